from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import URL

from ihp_backend.label_studio.clicks.active_prompts import ActivePrompts
from ihp_backend.label_studio.clicks.click_memory import ClickMemory
from ihp_backend.label_studio.clicks.prompt_box import Box
from ihp_backend.label_studio.clicks.prompts import MOST_PROMPTS, Prompt, PromptRequest
from ihp_backend.label_studio.clicks.saved_work import SavedWork
from ihp_backend.label_studio.masks.mask_regions import MaskRegion
from ihp_backend.storage.storage_error import StorageError

NOTHING = SavedWork()


def clicks(text: str) -> tuple[Prompt, ...]:
    """ "Face:a,b Hat:c" -> clicks a and b of Face and c of Hat."""
    pairs = (part.split(":") for part in text.split())
    return tuple(Prompt(name, label, 50, 50) for label, names in pairs for name in names.split(","))


def request(text: str) -> PromptRequest:
    return PromptRequest(clicks(text), to_name="image")


def masks(text: str) -> dict[str, tuple[MaskRegion, ...]]:
    """ "Face Hat:2" -> a mask of each; with another number it looks otherwise."""
    pairs = (part.partition(":")[::2] for part in text.split())
    return {
        label: (MaskRegion(label, "brushlabels", [label], "image", False, None, {"rle": number}),)
        for label, number in pairs
    }


def draft(active: str = "", accepted: str = "", stamp: int = 1, **more: Any) -> SavedWork:
    return SavedWork("ann", clicks(active), masks(accepted), stamp=stamp, **more)


PREDICTED = SavedWork(predicted=(masks("Face"), masks("Face:2")))


def told(active: ActivePrompts) -> str:
    """The answered labels and all their clicks, as ``clicks`` writes them."""
    return " ".join(f"{label}:{','.join(prompt.id for prompt in active.prompts[label])}" for label in active.answered)


@pytest.fixture(params=["in this process", "in a file", "in PostgreSQL"])
def memories(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., ClickMemory]:
    """Makes the memory that several requests meet: one and the same, or each time that of another process."""
    if request.param == "in this process":
        memory = ClickMemory()
        return lambda: memory
    if request.param == "in a file":
        return partial(ClickMemory, tmp_path / "clicks.sqlite")
    return partial(ClickMemory, request.getfixturevalue("postgresql").fresh())


@pytest.fixture
def make(database_place: Path | URL) -> Callable[..., ClickMemory]:
    """Makes memories that share a database."""
    return partial(ClickMemory, database_place)


@pytest.mark.parametrize(
    ("steps", "answered"),
    [
        # the page sends all clicks of the label, without auto-accept
        ([("Face:a", NOTHING), ("Face:a,b", NOTHING)], "Face:a,b"),
        # b was deleted, c is new
        ([("Face:a,b", NOTHING), ("Face:a,c", NOTHING)], "Face:a,c"),
        # auto-accept: only the new click comes
        ([("Face:a", NOTHING), ("Face:b", NOTHING)], "Face:a,b"),
        # another label: both are answered
        ([("Face:a", NOTHING), ("Hat:b", NOTHING)], "Face:a Hat:b"),
        ([("Face:a", NOTHING), ("Hat:b", NOTHING), ("Face:a,c", NOTHING)], "Face:a,c Hat:b"),
        # a click that is given another label moves
        ([("Face:a,b", NOTHING), ("Coat:b", NOTHING)], "Face:a Coat:b"),
        ([("Face:a", NOTHING), ("Coat:a", NOTHING)], "Coat:a"),
        # the draft knows of clicks that the memory lost
        ([("Face:c", draft("Face:a,b Hat:d"))], "Hat:d Face:c"),
        # an accepted region of another label is left alone, the clicked label's is not
        ([("Face:a", NOTHING), ("Hat:b", draft(accepted="Face"))], "Hat:b"),
        (
            [("Face:a", NOTHING), ("Hat:b", draft(accepted="Face")), ("Face:c", draft(accepted="Face"))],
            "Face:a,c Hat:b",
        ),
        # a draft that has not changed since Face was clicked again cannot know of that
        ([("Face:a", draft(accepted="Face")), ("Hat:b", draft(accepted="Face"))], "Face:a Hat:b"),
        # nor one in which its mask looks as it did then: it was not accepted since
        ([("Face:a", draft(accepted="Face")), ("Hat:b", draft("Face:a", "Face", stamp=2))], "Face:a Hat:b"),
        ([("Face:a", draft(accepted="Face")), ("Hat:b", draft("Face:a", "Face:2", stamp=2))], "Hat:b"),
        # so does a mask that was a prediction before there was a draft
        ([("Face:a", PREDICTED), ("Hat:b", draft("Face:a", "Face", stamp=2))], "Face:a Hat:b"),
        ([("Face:a", PREDICTED), ("Hat:b", draft("Face:a", "Face:3", stamp=2))], "Hat:b"),
        # rejected or undone on a mask that was there before: what was accepted stays
        (
            [
                ("Face:a", draft(accepted="Face")),
                ("Hat:b", draft("Face:a", "Face")),
                ("Hat:b,c", draft("Hat:b", "Face")),
            ],
            "Hat:b,c",
        ),
        (
            [
                ("Face:a", NOTHING),
                ("Face:c", draft(accepted="Face")),
                ("Hat:b", draft("Face:c", "Face")),
                ("Hat:b,d", draft("Hat:b", "Face")),
            ],
            "Face:a Hat:b,d",
        ),
        # undone, then the same label: the list is new, and the draft lacks what an earlier one had
        ([("Face:a", NOTHING), ("Hat:b", draft("Face:a")), ("Face:c", draft("Hat:b", stamp=2))], "Face:c Hat:b"),
        # dots that stay beside an accepted region: it may have been edited by hand
        ([("Hat:b", draft("Face:a", accepted="Face"))], "Hat:b"),
        # rejected or undone: an earlier draft had the click, this one has neither click nor region
        ([("Face:a", NOTHING), ("Hat:b", draft("Face:a")), ("Hat:b,c", draft("Hat:b", stamp=2))], "Hat:b,c"),
        # accepted, then the region was deleted
        ([("Face:a", NOTHING), ("Hat:b", draft(accepted="Face")), ("Hat:b,c", draft("Hat:b", stamp=2))], "Hat:b,c"),
        # submitted within the five seconds in which there is no draft, and Label Studio's word of it was lost
        ([("Face:a", NOTHING), ("Hat:b", SavedWork(annotations=frozenset({5})))], "Hat:b"),
        ([("Face:a", SavedWork(annotations=frozenset({5})))] * 2 + [("Hat:b", NOTHING)], "Face:a Hat:b"),
        # clicked so quickly that no draft has seen it
        ([("Face:a", draft()), ("Hat:b", draft()), ("Hat:c", draft(stamp=2))], "Face:a Hat:b,c"),
    ],
)
def test_what_stands_after_a_session(
    steps: list[tuple[str, SavedWork]], answered: str, memories: Callable[[], ClickMemory]
) -> None:
    assert [told(memories().update("1", "7", request(text), saved)) for text, saved in steps][-1] == answered


def test_a_dragged_click_moves() -> None:
    memory = ClickMemory()
    memory.update("1", "7", request("Face:a"), NOTHING)
    dragged = PromptRequest((Prompt("a", "Face", 10, 20),), to_name="image")
    active = memory.update("1", "7", dragged, NOTHING)
    assert active.prompts == {"Face": dragged.prompts}


def test_all_clicks_are_given_also_of_labels_that_are_not_answered() -> None:
    memory = ClickMemory()
    memory.update("1", "7", request("Face:a"), NOTHING)
    active = memory.update("1", "7", request("Hat:b"), draft(accepted="Face"))
    assert set(active.prompts) == {"Face", "Hat"}
    assert active.answered == ("Hat",)


def test_tasks_projects_and_images_do_not_mix(make: Callable[..., ClickMemory]) -> None:
    memory = make()
    memory.update("1", "7", request("Face:a"), NOTHING)
    other_image = PromptRequest(clicks("Hat:b"), to_name="back")
    assert told(memory.update("1", "8", request("Hat:b"), NOTHING)) == "Hat:b"
    assert told(memory.update("2", "7", request("Hat:b"), NOTHING)) == "Hat:b"
    assert told(memory.update("1", "7", other_image, NOTHING)) == "Hat:b"
    assert len(memory) == 4


def test_users_are_kept_apart_once_they_are_known(make: Callable[..., ClickMemory]) -> None:
    memory = make()
    ann, bob = SavedWork("ann"), SavedWork("bob")
    memory.update("1", "7", request("Face:a"), NOTHING)
    assert told(memory.update("1", "7", request("Hat:b"), ann)) == "Face:a Hat:b"
    assert told(memory.update("1", "7", request("Coat:c"), bob)) == "Coat:c"
    assert told(memory.update("1", "7", request("Hat:b,d"), ann)) == "Face:a Hat:b,d"
    memory.update("1", "7", request("Pants:e"), NOTHING)
    assert told(memory.update("1", "7", request("Pants:e,f"), bob)) == "Pants:e,f"


def test_forgetting(make: Callable[..., ClickMemory]) -> None:
    memory = make()
    for task in ("7", "8", "9"):
        for user in (None, "ann"):
            memory.update("1", task, request("Face:a"), SavedWork(user, annotations=frozenset({int(task) * 10})))
    memory.update("2", "7", request("Face:a"), SavedWork(annotations=frozenset({80})))
    memory.forget("1", "7")
    memory.forget_annotation("1", 80)
    memory.forget("1", "unknown")
    assert memory.signs("1", "7") == memory.signs("1", "8") == {}
    assert memory.signs("1", "9") == memory.signs("2", "7") == {"a": True}


def test_one_annotator_submits_while_another_goes_on(make: Callable[..., ClickMemory]) -> None:
    memory = make()
    for user in ("1", "2", "bob@example.com"):
        memory.update("1", "7", request(f"Face:{user}"), SavedWork(user))
    memory.update("1", "7", request("Face:nobody"), NOTHING)
    memory.forget("1", "7", "1")
    # Whoever is not known by their number may have been the one who submitted; their draft brings the clicks back.
    assert set(memory.signs("1", "7")) == {"2"}


def test_boxes_and_signs_outlive_the_process(make: Callable[..., ClickMemory]) -> None:
    box = Prompt("b", "Hat", 10, 20, positive=False, box=Box(10, 20, 30, 40, 45.0))
    make().update("1", "7", PromptRequest((box,), to_name="image"), NOTHING)
    again = make().update("1", "7", request("Face:a"), NOTHING)
    assert again.prompts["Hat"] == (box,)


def test_what_another_release_wrote_is_forgotten(tmp_path: Path) -> None:
    memory = ClickMemory(tmp_path / "clicks.sqlite")
    memory.update("1", "7", request("Face:a"), NOTHING)
    with sqlite3.connect(tmp_path / "clicks.sqlite") as storage:
        storage.execute("UPDATE standing SET remembered = ?", ('{"labels": [{"title": "Face"}]}',))
    storage.close()
    assert told(memory.update("1", "7", request("Hat:b"), NOTHING)) == "Hat:b"


def test_threads_of_several_processes_lose_nothing(make: Callable[..., ClickMemory]) -> None:
    memories = [make() for _ in range(4)]
    names = [f"L{number}:c{number}" for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: memories[n % 4].update("1", "7", request(names[n]), NOTHING), range(40)))
    active = memories[0].update("1", "7", request("Hat:b"), NOTHING)
    assert sorted(told(active).split()) == sorted([*names, "Hat:b"])


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "clicks.sqlite").write_bytes(b"no database at all, but long enough to have a header" * 40)
    with pytest.raises(StorageError, match=r"active prompts: .*clicks.sqlite cannot be used \(file is not a database"):
        ClickMemory(tmp_path / "clicks.sqlite")


@pytest.mark.parametrize(
    ("seconds", "saved", "answered"),
    [
        (11, draft("Hat:b", stamp=2), "Hat:b,c"),
        (9, draft("Hat:b", stamp=2), "Face:a Hat:b,c"),  # that draft may be older than the click on the face
        (11, draft("Face:a Hat:b", stamp=2), "Face:a Hat:b,c"),
        (11, draft(stamp=1), "Face:a Hat:b,c"),  # no draft was saved since then, for whatever reason
        (11, NOTHING, "Face:a Hat:b,c"),
    ],
)
def test_a_click_undone_before_any_draft_was_met(seconds: float, saved: SavedWork, answered: str) -> None:
    now = 100.0
    memory = ClickMemory(clock=lambda: now)
    memory.update("1", "7", request("Face:a"), draft() if saved.user else NOTHING)
    now += seconds - 1
    memory.update("1", "7", request("Hat:b"), draft() if saved.user else NOTHING)
    now += 1
    assert told(memory.update("1", "7", request("Hat:b,c"), saved)) == answered


@pytest.mark.parametrize(("seconds", "clicks_of_the_face"), [(9, "a,b"), (11, "b")])
@pytest.mark.parametrize("mask", ["", "Face"])
def test_a_click_undone_before_one_of_the_same_label(seconds: float, clicks_of_the_face: str, mask: str) -> None:
    now = 100.0
    memory = ClickMemory(clock=lambda: now)
    memory.update("1", "7", request("Face:a"), draft(accepted=mask))
    now += seconds
    assert (
        told(memory.update("1", "7", request("Face:b"), draft(accepted=mask, stamp=2))) == f"Face:{clicks_of_the_face}"
    )


def test_old_tasks_expire(make: Callable[..., ClickMemory]) -> None:
    now = 0.0
    memory = make(expires_after=10, clock=lambda: now)
    memory.update("1", "7", request("Face:a"), NOTHING)
    now = 9.0
    memory.update("1", "8", request("Face:a"), NOTHING)
    now = 11.0
    assert told(memory.update("1", "7", request("Hat:b"), NOTHING)) == "Hat:b"
    assert memory.signs("1", "8") == {"a": True}


def test_the_least_recently_used_task_gives_way(make: Callable[..., ClickMemory]) -> None:
    memory = make(most_tasks=2)
    for task in ("7", "8", "7", "9"):
        memory.update("1", task, request("Face:a"), NOTHING)
    assert (memory.signs("1", "7"), memory.signs("1", "8")) == ({"a": True}, {})


def test_a_task_holds_a_thousand_clicks() -> None:
    memory = ClickMemory()
    many = ",".join(f"f{number}" for number in range(MOST_PROMPTS))
    assert memory.update("1", "7", request(f"Face:{many}"), NOTHING).forgotten == 0
    active = memory.update("1", "7", request("Hat:h1,h2"), NOTHING)
    assert active.forgotten == 2
    assert len(memory) == MOST_PROMPTS
    assert active.prompts["Face"][0].id == "f2"
    assert len(active.prompts["Hat"]) == 2


def test_signs_are_remembered() -> None:
    memory = ClickMemory()
    memory.update("1", "7", PromptRequest((Prompt("a", "Face", 1, 1, positive=False),), to_name="image"), NOTHING)
    assert memory.signs("1", "7") == {"a": False}


def test_reading_does_not_wait_for_a_process_that_writes(tmp_path: Path) -> None:
    memory = ClickMemory(tmp_path / "clicks.sqlite", busy_seconds=0.0)
    memory.update("1", "7", request("Face:a"), NOTHING)
    with closing(sqlite3.connect(tmp_path / "clicks.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert memory.signs("1", "7") == {"a": True}
        assert len(memory) == 1
        with pytest.raises(StorageError):
            memory.update("1", "7", request("Face:b"), NOTHING)
        other.execute("ROLLBACK")
    assert memory.update("1", "7", request("Face:b"), NOTHING).answered == ("Face",)


def test_the_last_answer_is_shared_and_forgotten_with_the_clicks(memories: Callable[[], ClickMemory]) -> None:
    asked = request("Face:a")
    memories().update("1", "7", asked, NOTHING)
    memories().keep_answer("1", "7", asked, NOTHING, "model-1 Face", b"answer")
    assert memories().last_answer("1", "7", asked, NOTHING, "model-1 Face") == b"answer"
    # Another model, other labels, another task, another annotator: not theirs.
    assert memories().last_answer("1", "7", asked, NOTHING, "model-2 Face") is None
    assert memories().last_answer("1", "8", asked, NOTHING, "model-1 Face") is None
    assert memories().last_answer("1", "7", asked, SavedWork("other"), "model-1 Face") is None
    # A click more does not forget it, a submit does.
    memories().update("1", "7", request("Face:a,b"), NOTHING)
    memories().keep_answer("1", "7", asked, NOTHING, "model-1 Face", b"newer")
    assert memories().last_answer("1", "7", asked, NOTHING, "model-1 Face") == b"newer"
    memories().forget("1", "7")
    assert memories().last_answer("1", "7", asked, NOTHING, "model-1 Face") is None
    # Whoever was still computing when it was submitted brings nothing back.
    memories().keep_answer("1", "7", asked, NOTHING, "model-1 Face", b"late")
    assert memories().last_answer("1", "7", asked, NOTHING, "model-1 Face") is None


def test_last_answers_are_bounded_and_expire(make: Callable[..., ClickMemory]) -> None:
    now = [1000.0]
    memory = make(most_tasks=2, expires_after=60, clock=lambda: now[0])
    for task in "123":
        now[0] += 1
        memory.update("1", task, request("Face:a"), NOTHING)
        memory.keep_answer("1", task, request("Face:a"), NOTHING, "model", task.encode())
    kept = [memory.last_answer("1", task, request("Face:a"), NOTHING, "model") for task in "123"]
    assert kept == [None, b"2", b"3"]
    now[0] += 100
    memory.update("1", "4", request("Face:a"), NOTHING)
    assert memory.last_answer("1", "3", request("Face:a"), NOTHING, "model") is None


def test_a_file_of_an_earlier_release_gets_room_for_answers(tmp_path: Path) -> None:
    path = tmp_path / "clicks.sqlite"
    with closing(sqlite3.connect(path)) as file:
        file.execute(
            "CREATE TABLE standing (project TEXT, task TEXT, image TEXT, annotator TEXT, used REAL, remembered TEXT, "
            "PRIMARY KEY (project, task, image, annotator))"
        )
        file.commit()
    memory = ClickMemory(path)
    memory.update("1", "7", request("Face:a"), NOTHING)
    memory.keep_answer("1", "7", request("Face:a"), NOTHING, "model", b"answer")
    assert memory.last_answer("1", "7", request("Face:a"), NOTHING, "model") == b"answer"
