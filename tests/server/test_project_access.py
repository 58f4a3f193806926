"""What /setup told is known to all workers, and is in memory only."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from ihp_backend.server.project_access import Access, ProjectAccess

TOKEN = "a-token"


def begun(work: Callable[[], None]) -> int:
    """The number of a forked process that does some work."""
    process = os.fork()
    if not process:
        try:
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    return process


def ended(process: int) -> int:
    """The status with which it ended."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def in_another_process(work: Callable[[], None]) -> int:
    """Both."""
    return ended(begun(work))


def test_what_one_worker_is_told_all_know() -> None:
    access = ProjectAccess()
    assert in_another_process(lambda: access.remember("4", Access("http://studio", TOKEN))) == 0
    assert (access.of("4").hostname, access.of("4").access_token) == ("http://studio", TOKEN)
    access.remember("4", Access("http://studio:8080", None))

    def look() -> None:
        assert access.of("4") == Access("http://studio:8080", None)
        assert access.projects() == ["4"]

    assert in_another_process(look) == 0


def test_a_worker_that_is_killed_while_it_writes_blocks_nobody() -> None:
    access = ProjectAccess()
    access.remember("4", Access("http://studio", TOKEN))

    def die() -> None:
        with access._turn():
            access._shared[:8] = bytes(8)
            os.kill(os.getpid(), signal.SIGKILL)

    assert in_another_process(die) == -signal.SIGKILL
    assert access.of("4") == Access()
    access.remember("4", Access("http://studio", TOKEN))
    assert access.of("4").access_token == TOKEN


def test_the_least_recently_set_up_gives_way() -> None:
    access = ProjectAccess(most_projects=2)
    for project in ("1", "2", "1", "3"):
        access.remember(project, Access("http://studio", TOKEN + project))
    assert access.projects() == ["1", "3"]


def test_as_many_as_there_is_room_for() -> None:
    access = ProjectAccess()
    for project in range(400):
        access.remember(str(project), Access("h" * 4096, "t" * 4096))
    known = access.projects()
    assert 100 < len(known) < 400
    assert known[-1] == "399"
    access.remember("400", Access("h" * 5000, TOKEN))
    assert access.of("400") == Access(None, TOKEN)


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=9), st.text(st.characters(codec="utf-8"))))
def test_any_texts(told: dict[str, str]) -> None:
    access = ProjectAccess()
    for project, text in told.items():
        access.remember(project, Access(text, text))
    assert {project: access.of(project).access_token for project in access.projects()} == told


def test_threads_and_processes_at_once() -> None:
    access = ProjectAccess()

    def work(worker: int) -> None:
        for number in range(50):
            access.remember(f"{worker}-{number}", Access("http://studio", TOKEN))
            assert access.of(f"{worker}-{number}").access_token == TOKEN

    def worker_process(worker: int) -> None:
        with ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(work, 2 * worker + thread) for thread in range(2)]:
                done.result()

    # Forked before there are threads, as gunicorn does.
    processes = [begun(partial(worker_process, worker)) for worker in range(3)]
    assert [ended(process) for process in processes] == [0, 0, 0]
    assert len(access.projects()) == 300


def test_it_shows_no_token() -> None:
    assert TOKEN not in repr(Access("http://studio", TOKEN))
