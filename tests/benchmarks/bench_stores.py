"""What one click costs in the stores: in a SQLite file, and in PostgreSQL on this machine."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path

from sqlalchemy.engine import URL

from ihp_backend.annotation_store.event_inbox import EventInbox
from ihp_backend.label_studio.clicks.click_memory import ClickMemory
from ihp_backend.label_studio.clicks.prompts import Prompt, PromptRequest
from ihp_backend.label_studio.clicks.saved_work import SavedWork
from tests.benchmarks.timing import Row, timed
from tests.postgresql_server import postgresql_server, programs

REPEAT, CLICKS, ANSWER = 300, 20, 60_000
"""Measurements, clicks that stand on a task, and bytes of the last answer to them."""


def measure() -> list[Row]:
    """The medians of a click's calls, and of an event's, which waits for the disk."""
    with tempfile.TemporaryDirectory() as folder:
        rows = _of("SQLite", Path(folder) / "clicks.sqlite", Path(folder) / "events.sqlite")
    if programs() is not None:
        with postgresql_server() as server:
            rows += _of("PostgreSQL", server.fresh(), server.fresh())
    return rows


def _of(engine: str, clicks: Path | URL, events: Path | URL) -> list[Row]:
    memory, inbox = ClickMemory(clicks), EventInbox(events)
    click = _clicking(memory)
    event = {"action": "ANNOTATION_CREATED", "project": {"id": 2}, "annotation": {"result": "x" * 20_000}}
    return [
        timed(f"a click, {engine}", click, repeats=REPEAT, note=f"{CLICKS} clicks stand, an answer of {ANSWER} bytes"),
        timed(f"an event, {engine}", lambda: inbox.record(event), repeats=REPEAT, note="on disk; 20 kB"),
    ]


def _clicking(memory: ClickMemory) -> Callable[[], None]:
    """What a click asks of the memory, in the order of ``take_in`` and ``ClickAnswers``."""
    saved, answer, numbers = SavedWork("1"), bytes(ANSWER), count()

    def click() -> None:
        number = next(numbers)
        task = str(number // CLICKS % 50)
        memory.signs("2", task)
        request = PromptRequest((Prompt(f"c{number}", "Hat", number % 97, number % 89),), to_name="image")
        active = memory.update("2", task, request, saved)
        memory.last_answer("2", task, request, saved, "model Hat")
        memory.since("2", task, request, saved, active)
        memory.keep_answer("2", task, request, saved, "model Hat", answer)

    return click
