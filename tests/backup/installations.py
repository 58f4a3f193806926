"""Installations to back up: with everything in them, written to meanwhile, and read without the program's own code."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import psycopg

from ihp_backend.annotation_store.changes import Untold
from ihp_backend.finetuning.ingest import ingest
from ihp_backend.finetuning.schedule import TrainedState
from ihp_backend.finetuning.workspace import Workspace
from ihp_backend.label_studio.clicks.active_prompts import ActivePrompts
from ihp_backend.label_studio.clicks.prompts import Prompt, PromptRequest
from ihp_backend.label_studio.clicks.saved_work import SavedWork
from ihp_backend.storage.places import Places
from tests.finetuning.test_accepted_set import CONFIG, photograph, region
from tests.postgresql_server import PostgresqlServer

KINDS = ("SQLite", "PostgreSQL", "PostgreSQL and S3")
TABLES = {
    "events.sqlite": ("events",),
    "ledger.sqlite": (
        "annotations", "tasks_withdrawn", "tasks_forgotten", "projects", "untold", "reconciled", "digested",
    ),
    "clicks.sqlite": ("standing", "answers"),
    "photographs.sqlite": ("uses",),
}  # fmt: skip
LEFT_OUT = {"documents", "leases", "schema_versions"}
"""Tables that are compared otherwise, or are not in a backup."""


def no_bar(what: str, total: int) -> Any:
    """Counts nothing."""
    return nullcontext(lambda: None)


class Maker:
    """Makes installations of each kind."""

    def __init__(self, folder: Path, fixture: Callable[[str], Any]) -> None:
        self._folder, self._fixture, self._number = folder, fixture, 0

    def __call__(self, kind: str = "SQLite") -> Workspace:
        """An empty one, opened for restoring."""
        self._number += 1
        data = self._folder / f"installation-{self._number}"
        data.mkdir()
        server: PostgresqlServer | None = None if kind == "SQLite" else self._fixture("postgresql")
        storage = f"{self._fixture('s3_address')}/{self._number}" if "S3" in kind else None
        return Workspace(Places(data, server.fresh() if server else None, storage), restoring=True)


def annotate(workspace: Workspace, task: int, project: str = "2") -> int:
    """Somebody submits a task; gives the event's number."""
    annotation = {"id": 100 + task, "task": task, "result": [region("Hat")], "lead_time": 10.0, "completed_by": 1,
                  "updated_at": "2026-11-20T07:01:00Z"}  # fmt: skip
    told = {"id": task, "data": {"photo": f"{task}.png"}}
    project_told = {"id": int(project), "label_config": CONFIG}
    return workspace.inbox.record(
        {"action": "ANNOTATION_CREATED", "annotation": annotation, "project": project_told, "task": told}
    )


def click(workspace: Workspace, task: int) -> ActivePrompts:
    """Somebody clicks on a task, and is answered."""
    asked = PromptRequest((Prompt(f"click-{task}", "Hat", 50.0, 12.5),), to_name="image")
    memory, saved = workspace.click_memory(), SavedWork()
    active = memory.update("2", str(task), asked, saved)
    memory.keep_answer("2", str(task), asked, saved, "spoken", bytes(range(256)))
    return active


def promote(workspace: Workspace, name: str, project: str = "2") -> None:
    """A version is made and serves."""
    with workspace.versions.making(project, name) as folder:
        (folder / "pictures").mkdir()
        for file in ("model.json", "encoder.onnx", "manifest.json", "pictures/1-7.jpg"):
            (folder / file).write_text(f"{file} of {name}")
    workspace.versions.promote(project, name, "gate")


def accept(workspace: Workspace, fetch: Callable[[str, int], bytes] | None = None) -> None:
    """What was submitted is taken in, with its photographs."""
    ingest(workspace.inbox, workspace.annotation_store)
    accepted = workspace.accepted("2")
    accepted.update(workspace.annotation_store, "2", fetch or (lambda address, task: photograph(task)))


def fill(workspace: Workspace) -> Workspace:
    """Something of each kind, some of it twice and some of it taken back."""
    for task in range(7, 12):
        annotate(workspace, task)
    accept(workspace)
    workspace.inbox.record({"action": "TASKS_DELETED", "tasks": [{"id": 11}], "project": {"id": 2}})
    workspace.inbox.record({"action": "START_TRAINING", "project": {"id": 2}, "text": "\u0000 \udcff ä"})
    accept(workspace)
    annotate(workspace, 12)  # Not taken in yet.
    workspace.annotation_store.reconcile("3", [], asked=1.5)
    workspace.annotation_store.note(Untold("3"))
    workspace.annotation_store.forget("4", [1])
    for task in (7, 8):
        click(workspace, task)
    for name in ("0001-aa", "0002-bb", "0003-cc"):
        promote(workspace, name)
    workspace.versions.rollback("2")
    with workspace.progress("2").job("20 photographs") as job:
        assert job is not None
        job.end("promoted", version="0002-bb", message="better")
    TrainedState({7: "stamp"}, 1).write(workspace.job_documents("2"))
    return workspace


def everything(workspace: Workspace) -> dict[str, Any]:
    """All that a backup must bring back, by the place where it is, as other programs read it."""
    place = workspace.places
    found: dict[str, Any] = {name: [] for tables in TABLES.values() for name in tables}
    documents: dict[str, str] = {}
    if place.database is not None:
        url = place.database.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(url) as connection:
            named = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
            there = {name for (name,) in connection.execute(named)}
            for name in there - LEFT_OUT:
                found[name] = sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr)
            if "documents" in there:
                rows = connection.execute("SELECT home, name, text FROM documents WHERE name <> 'stop'").fetchall()
                documents = {f"{home}/{name}": text for home, name, text in rows}
    else:
        for file, tables in TABLES.items():
            with closing(sqlite3.connect(workspace.data_dir / file)) as connection:
                there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
                for name in there.intersection(tables):
                    found[name] = sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr)
        for pattern in ("lessons/*/*.json", "models/*/promotions.json", "accepted/*/index.json"):
            for path in workspace.data_dir.glob(pattern):
                documents[path.relative_to(workspace.data_dir).as_posix()] = path.read_text()
    files: dict[str, bytes] = {}
    if isinstance(place.storage, str):
        import s3fs

        system = s3fs.S3FileSystem(use_listings_cache=False)
        root = place.storage.removeprefix("s3://")
        found_there = system.find(root) if system.exists(root) else []
        files = {path.removeprefix(f"{root}/"): system.cat_file(path) for path in found_there}
    else:
        for top in ("models", "photographs"):
            for path in (workspace.data_dir / top).rglob("*"):
                if path.is_file() and path.name not in ("promotions.json", ".lock"):
                    files[path.relative_to(workspace.data_dir).as_posix()] = path.read_bytes()
    return {**found, "documents": documents, "files": files}


@contextmanager
def being_used(workspace: Workspace) -> Iterator[None]:
    """Annotators and a worker keep it busy for the time of the block."""
    ended = threading.Event()
    failed: list[BaseException] = []

    def again(work: Callable[[int], object]) -> None:
        number = 1000
        try:
            while not ended.is_set():
                number += 1
                work(number)
        except BaseException as error:
            failed.append(error)

    tasks = (
        lambda number: annotate(workspace, number),
        lambda number: click(workspace, number),
        lambda number: accept(workspace),
        lambda number: promote(workspace, f"{number}-x"),
    )
    threads = [threading.Thread(target=again, args=(work,)) for work in tasks]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()
        assert failed == []
