"""Deleted tasks leave nothing behind after their time; tasks that Label Studio does not call deleted lose nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ihp_backend.cli import app
from ihp_backend.finetuning.forgetting import JobRuns, due_tasks, forget, forget_due, forget_unused
from ihp_backend.finetuning.ingest import sync
from ihp_backend.finetuning.workspace import Workspace
from ihp_backend.label_studio.api.client import ApiError, LabelStudio
from ihp_backend.label_studio.web.image_cache import ImageCache
from ihp_backend.label_studio.web.image_settings import ImageSettings
from ihp_backend.storage.storage_error import StorageError
from tests.finetuning.test_accepted_set import CONFIG, photograph, region
from tests.label_studio.image_server import ImageServer, sends, status

FOR_GOOD = 0
"""Days: at once."""


def not_there(handler: BaseHTTPRequestHandler) -> None:
    """As Label Studio 1.23.2 says it."""
    said = {"id": "00", "status_code": 404, "version": "1.23.2", "detail": "No Task matches.", "exc_info": None}
    body = json.dumps(said).encode()
    handler.send_response(404)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


class Here:
    """A data folder, and a Label Studio with a project 2."""

    def __init__(self, folder: Path, studio: ImageServer) -> None:
        self.workspace, self.studio = Workspace(folder), studio
        self.images = ImageSettings(
            label_studio_url=studio.url, label_studio_api_key="a" * 40, cache_dir=folder / "cache" / "images"
        )
        self.tasks: dict[int, dict[str, Any]] = {}
        self.answers("/api/projects/2/", {"id": 2, "label_config": CONFIG})
        studio.routes["/api/tasks/"] = lambda handler: self.json(
            {"tasks": list(self.tasks.values()), "total": len(self.tasks)}
        )(handler)

    @staticmethod
    def json(value: Any) -> Callable[[BaseHTTPRequestHandler], None]:
        return sends(json.dumps(value).encode(), "application/json")

    def answers(self, path: str, value: Any) -> None:
        self.studio.routes[path] = self.json(value)

    def accept(self, task: int, picture: int | None = None) -> str:
        """Lets somebody annotate a task; gives the sum of its photograph."""
        address, data = f"/marked-{task}.png", photograph(task if picture is None else picture)
        annotation = {"id": 100 + task, "task": task, "result": [region("Hat")], "updated_at": "2026-11-20T07:01:00Z",
                      "completed_by": {"id": 1, "email": f"marked-{task}@example.com"}}  # fmt: skip
        told = {"id": task, "data": {"photo": address}}
        self.tasks[task] = {**told, "annotations": [annotation]}
        self.studio.routes[address] = sends(data)
        self.answers(f"/api/tasks/{task}/", self.tasks[task])
        event = {"action": "ANNOTATION_CREATED", "annotation": annotation, "task": told, "project": {"id": 2}}
        event["project"] = {"id": 2, "label_config": CONFIG}
        self.workspace.inbox.record(event)
        return hashlib.sha256(data).hexdigest()

    def update(self) -> list[int]:
        return [item.task for item in self.workspace.bring_up_to_date("2", self.images).items]

    def delete(self, task: int, told: bool = True) -> None:
        del self.tasks[task]
        self.studio.routes[f"/api/tasks/{task}/"] = not_there
        if told:
            self.workspace.inbox.record({"action": "TASKS_DELETED", "tasks": [{"id": task}], "project": {"id": 2}})
            self.update()

    def sync(self) -> None:
        sync(LabelStudio(self.images, pauses=()), self.workspace.annotation_store, "2")

    def due(self, days: int = FOR_GOOD) -> list[int]:
        return due_tasks(self.workspace, self.images, "2", days)

    def kept(self, digest: str) -> bool:
        return self.workspace.photographs.has(digest)

    def traces(self, text: str) -> list[str]:
        """Files of the data folder in which a text stands."""
        files = [path for path in self.workspace.data_dir.rglob("*") if path.is_file()]
        return sorted(path.name for path in files if text.encode() in path.read_bytes())


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    with ImageServer() as studio:
        yield Here(tmp_path, studio)
        studio.shutdown()


@pytest.mark.parametrize("told", [True, False])
def test_a_deleted_task_leaves_nothing_behind_and_the_others_everything(here: Here, told: bool) -> None:
    gone, stays = here.accept(1), here.accept(2)
    assert here.update() == [1, 2]
    assert here.traces("marked-1.")
    here.delete(1, told)
    here.sync()
    assert here.update() == [2]
    assert here.due(days=1) == []
    assert here.due() == [1]
    assert here.kept(gone)
    forgotten = forget(here.workspace, here.images, "2", [1])
    assert (forgotten.tasks, forgotten.photographs, forgotten.events) == ((1,), 1, 1)
    assert not here.kept(gone)
    assert (here.traces("marked-1."), here.traces("marked-1@")) == ([], [])
    assert here.kept(stays)
    assert here.traces("marked-2@")
    assert here.update() == [2]
    assert here.due() == []
    # Events are read again, and Label Studio is asked again: it does not come back.
    here.sync()
    assert (here.update(), here.workspace.inbox.count("ANNOTATION")) == ([2], 2)


def test_a_photograph_stays_as_long_as_a_task_uses_it(here: Here) -> None:
    shared = here.accept(1, picture=7)
    assert here.accept(2, picture=7) == shared
    here.update()
    here.delete(1)
    assert forget(here.workspace, here.images, "2", here.due()).photographs == 0
    assert here.kept(shared)
    here.delete(2)
    assert forget(here.workspace, here.images, "2", here.due()).photographs == 1
    assert not here.kept(shared)


@pytest.mark.parametrize(
    "answer",
    [
        status(401),
        status(403),
        status(404),
        status(500),
        status(502),
        sends(b"<html>not found</html>", "text/html"),
        sends(b'{"detail": "Not found."}', "application/json"),
        sends(b'{"status_code": 404, "version": "1.23.2", "detail": "No"}', "application/json"),
        sends(b"[]", "application/json"),
    ],
)
@pytest.mark.parametrize("of", ["/api/tasks/1/", "/api/projects/2/"])
def test_nothing_is_taken_for_a_deletion_but_label_studios_word(
    here: Here, answer: Callable[[BaseHTTPRequestHandler], None], of: str
) -> None:
    photographs = [here.accept(1), here.accept(2)]
    here.update()
    here.sync()
    # A webhook says that the task was deleted, and Label Studio's API anything.
    here.workspace.inbox.record({"action": "TASKS_DELETED", "tasks": [{"id": 1}], "project": {"id": 2}})
    here.update()
    here.studio.routes[of] = answer
    with suppress(ApiError):
        assert here.due() == []
    forget_due(here.workspace, here.images, FOR_GOOD)
    assert all(map(here.kept, photographs))
    # Once it answers again, what was accepted is there again.
    here.answers("/api/projects/2/", {"id": 2, "label_config": CONFIG})
    here.answers("/api/tasks/1/", here.tasks[1])
    here.sync()
    assert here.update() == [1, 2]


def test_a_project_that_the_token_does_not_see_any_more_is_not_deleted(here: Here) -> None:
    kept = here.accept(1)
    here.update()
    here.workspace.inbox.record({"action": "TASKS_DELETED", "tasks": [{"id": 1}], "project": {"id": 2}})
    here.update()
    here.studio.routes["/api/projects/2/"] = here.studio.routes["/api/tasks/1/"] = not_there
    with pytest.raises(ApiError, match="does not show it to the token's user"):
        here.due()
    forget_due(here.workspace, here.images, FOR_GOOD)
    assert here.kept(kept)


def test_an_empty_list_is_no_deletion(here: Here) -> None:
    photographs, tasks = [here.accept(1), here.accept(2)], here.tasks
    here.update()
    here.tasks = {}
    here.sync()
    assert here.due() == []
    forget_due(here.workspace, here.images, FOR_GOOD)
    assert all(map(here.kept, photographs))
    here.tasks = tasks
    here.sync()
    assert here.update() == [1, 2]


def test_label_studio_down(here: Here) -> None:
    gone = here.accept(1)
    here.update()
    here.delete(1)
    down = ImageSettings(label_studio_url="http://127.0.0.1:9", cache_dir=here.images.cache_dir)
    with pytest.raises(ApiError):
        due_tasks(here.workspace, down, "2", FOR_GOOD)
    forget_due(here.workspace, down, FOR_GOOD)
    assert here.kept(gone)
    # Where none is known, the event is all that there is, and enough.
    assert due_tasks(here.workspace, ImageSettings(), "2", FOR_GOOD) == [1]
    forget_due(here.workspace, here.images, FOR_GOOD)
    assert not here.kept(gone)


def make_version(here: Here, name: str, pictures: list[str]) -> Path:
    with here.workspace.versions.making("2", name) as folder:
        (folder / "model.json").write_text("{}")
        (folder / "pictures").mkdir()
        for picture in pictures:
            (folder / "pictures" / picture).write_bytes(b"marked-1.")
        photographs = [{"task": task, "address": f"/marked-{task}.png"} for task in (1, 2)]
        (folder / "manifest.json").write_text(json.dumps({"version": name, "photographs": photographs}))
    return here.workspace.versions.folder("2", name)


def test_versions_lose_their_pictures_and_serve_on(here: Here) -> None:
    here.accept(1), here.accept(2)
    here.update()
    new, old = make_version(here, "0001-a", ["0-1.jpg", "1-2.jpg"]), make_version(here, "0002-b", ["0.jpg", "1.jpg"])
    here.workspace.versions.promote("2", "0001-a", "gate")
    here.delete(1)
    assert forget(here.workspace, here.images, "2", here.due()).pictures == 3
    assert [path.name for path in (new / "pictures").iterdir()] == ["1-2.jpg"]
    assert list((old / "pictures").iterdir()) == []  # Whose they are they do not say.
    manifest = json.loads((new / "manifest.json").read_text())
    assert manifest["photographs"] == [{"task": 1}, {"task": 2, "address": "/marked-2.png"}]
    assert here.workspace.versions.check("2", "0001-a") == new
    (new / "model.json").write_text("{ }")
    with pytest.raises(StorageError):
        here.workspace.versions.check("2", "0001-a")


def test_a_job_loses_what_it_keeps_and_is_waited_for(here: Here) -> None:
    gone = here.accept(1)
    here.update()
    here.delete(1)
    job = here.workspace.job_folder("2")
    for name in ("trunks/encoder/1.npz", "training-0.pt", "candidate/pictures/0-1.jpg", "history.json"):
        (job / name).parent.mkdir(parents=True, exist_ok=True)
        (job / name).write_text("marked-1.")
    with here.workspace.progress("2").alone() as alone:
        assert alone
        with pytest.raises(JobRuns, match="ihp train 2 --stop"):
            forget(here.workspace, here.images, "2", here.due())
        assert here.kept(gone)
        assert (job / "training-0.pt").exists()
    (job / "history.json").write_text("[]")
    forget(here.workspace, here.images, "2", here.due())
    assert (here.kept(gone), here.traces("marked-1.")) == (False, [])


def test_fetched_images_go_with_their_photograph_or_when_nobody_asks_for_them(here: Here) -> None:
    here.accept(1), here.accept(2)
    here.update()
    cache = ImageCache(here.images.cache_dir or Path(), here.images.cache_bytes)
    addresses = [f"{here.studio.url}/marked-{task}.png" for task in (1, 2)]
    assert all(cache.get(address) for address in addresses)
    here.delete(1)
    forget(here.workspace, here.images, "2", here.due())
    assert [cache.get(address) is None for address in addresses] == [True, False]
    forget_unused(here.workspace, here.images, days=1)
    assert cache.get(addresses[1])
    forget_unused(here.workspace, here.images, FOR_GOOD)
    assert cache.get(addresses[1]) is None


def test_photographs_of_earlier_releases(here: Here) -> None:
    known = here.accept(1)
    here.update()
    (here.workspace.data_dir / "photographs.sqlite").unlink()
    unknown = hashlib.sha256(b"nobody's").hexdigest()
    (here.workspace.data_dir / "photographs" / unknown).write_bytes(b"nobody's")
    workspace = here.workspace = Workspace(here.workspace.data_dir)
    index = workspace.data_dir / "accepted" / "2" / "index.json"
    text = index.read_text()
    index.write_text("{")
    with pytest.raises(StorageError):
        forget_unused(workspace, here.images, FOR_GOOD)  # Whose they are is not known.
    index.unlink()  # As the error advises: it is made again.
    assert forget_unused(workspace, here.images, FOR_GOOD) == 0
    assert (here.kept(known), here.kept(unknown)) == (True, True)
    index.write_text(text)
    assert forget_unused(workspace, here.images, days=1) == 0
    assert forget_unused(workspace, here.images, FOR_GOOD, dry_run=True) == 1
    assert (here.kept(known), here.kept(unknown)) == (True, True)
    forget_unused(workspace, here.images, FOR_GOOD)
    assert (here.kept(known), here.kept(unknown)) == (True, False)


def run(here: Here, *arguments: str, address: str | None = None) -> tuple[int, str]:
    variables = {"LABEL_STUDIO_URL": here.studio.url if address is None else address, "LABEL_STUDIO_API_KEY": "a" * 40}
    data = ["--data-dir", str(here.workspace.data_dir)]
    done = CliRunner().invoke(app, ["forget", *arguments, *data], env={**variables, "IHP_FORGET_AFTER_DAYS": ""})
    return done.exit_code, done.output


def test_the_command(here: Here) -> None:
    photographs = [here.accept(task) for task in (1, 2, 3)]
    here.update()
    here.delete(1)
    assert run(here) == (0, "photographs of no known task: 0 are gone\n")  # The 30 days are not over.
    would = run(here, "--forget-after", "0", "--dry-run")
    assert would[0] == 0
    assert "project 2: 1 tasks (1): 1 photographs, what 1 events said, and 0 pictures of versions would go" in would[1]
    assert here.kept(photographs[0])
    assert (
        "1 photographs, what 1 events said, and 0 pictures of versions are gone" in run(here, "--forget-after", "0")[1]
    )
    assert [here.kept(one) for one in photographs] == [False, True, True]


def test_the_command_for_a_task_and_for_a_project(here: Here) -> None:
    photographs = [here.accept(task) for task in (1, 2, 3)]
    here.update()
    assert run(here, "--task", "1")[0] == 1
    status, said = run(here, "--project", "2", "--task", "1")
    assert (status, "Label Studio has 1 still" in said) == (1, True)
    assert run(here, "--project", "2", "--task", "1", address="http://127.0.0.1:9")[0] == 1
    assert all(map(here.kept, photographs))
    here.delete(1, told=False)
    assert run(here, "--project", "2", "--task", "1")[0] == 0
    assert [here.kept(one) for one in photographs] == [False, True, True]
    assert run(here, "--project", "2")[0] == 1
    here.studio.routes["/api/projects/2/"] = not_there
    assert run(here, "--project", "2", "--dry-run")[0] == 0
    assert here.kept(photographs[1])
    assert run(here, "--project", "2")[0] == 0
    assert not any(map(here.kept, photographs))
    assert here.traces("marked-") == []
