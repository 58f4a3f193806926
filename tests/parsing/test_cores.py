"""Cores: how many there are, and that shared work is done once and ends with its caller."""

import threading
from pathlib import Path

import pytest

from ihp_backend.parsing.cores import Cores, available_cores


def test_cores_respect_a_containers_quota(tmp_path: Path) -> None:
    quota = tmp_path / "cpu.max"
    quota.write_text("100000 100000\n")
    assert available_cores(quota) == 1
    quota.write_text("max 100000\n")
    assert available_cores(quota) == available_cores(tmp_path / "absent") >= 1
    quota.write_text("nonsense")
    assert available_cores(quota) >= 1


@pytest.mark.parametrize("number", [1, 2, 5])
def test_every_task_is_done_once(number: int) -> None:
    done: list[int] = []
    Cores(number, "helper").share_out(done.append, range(300))
    assert sorted(done) == list(range(300))


def test_helpers_work_beside_the_caller() -> None:
    """Each task waits for the other one, so neither ends where they are done one after the other."""
    together = threading.Barrier(2, timeout=30)
    Cores(2, "helper").share_out(lambda _: together.wait(), range(2))


@pytest.mark.parametrize("fails_in", ["caller", "helper"])
def test_a_failure_ends_the_rest_and_nothing_is_under_way_after_it(fails_in: str) -> None:
    together, caller = threading.Barrier(2, timeout=30), threading.get_ident()
    begun: list[int] = []
    ended: list[int] = []

    def work(task: int) -> None:
        begun.append(task)
        together.wait()
        if (threading.get_ident() == caller) == (fails_in == "caller"):
            raise ValueError(f"task {task}")
        failed.wait(30)
        ended.append(task)

    failed = threading.Event()
    threading.Timer(0.2, failed.set).start()
    with pytest.raises(ValueError, match="task"):
        Cores(2, "helper").share_out(work, range(10))
    assert len(begun) == 2
    assert len(ended) == 1
