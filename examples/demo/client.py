"""Client that does what people do in Label Studio, for the demonstration and tests: import, click, annotate, export."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ihp_backend.label_studio.api.client import ApiError, LabelStudio, Record
from ihp_backend.label_studio.web.image_settings import ImageSettings

_READ_SECONDS = 120.0


class LabelStudioUser(LabelStudio):
    """A Label Studio on this machine under one user; nothing is asked twice.

    Args:
        url: for example http://localhost:8080.
        token: a legacy token (40 hexadecimal digits), a personal access token, or the access token made from one.
    """

    def __init__(self, url: str, token: str) -> None:
        settings = ImageSettings(
            label_studio_url=url, label_studio_api_key=token, read_seconds=_READ_SECONDS, proxies=False
        )
        super().__init__(settings, pauses=())

    # projects and tasks

    def projects(self) -> list[Record]:
        """The projects of the user."""
        return self.records("/api/projects/", page_size=1000)

    def create_project(self, title: str, label_config: str, **settings: Any) -> Record:
        """A new project (Label Studio wants titles of three characters or more)."""
        return dict(self.post("/api/projects/", {"title": title, "label_config": label_config, **settings}))

    def upload(self, project: int, name: str, content: bytes, media_type: str = "image/jpeg") -> Record:
        """Import one photograph as one task. One request per file: of several, Label Studio keeps only the last."""
        files = {"file": (name, content, media_type)}
        return dict(self.change("POST", f"/api/projects/{project}/import", files=files))

    def create_task(self, project: int, image: str) -> Record:
        """A task whose image is at an address of any kind."""
        return dict(self.post("/api/tasks/", {"project": project, "data": {"image": image}}))

    def delete_task(self, task: Mapping[str, Any], uploads: Iterable[int] = ()) -> None:
        """Remove a task, and the uploaded files it came from."""
        self.change("DELETE", f"/api/tasks/{task['id']}/")
        if identifiers := list(uploads):
            self.change("DELETE", f"/api/projects/{task['project']}/file-uploads", {"file_upload_ids": identifiers})

    # the backend

    def connect_backend(self, project: int, url: str, title: str) -> Record:
        """Connect an interactive backend; Label Studio makes the webhook that belongs to it."""
        return dict(self.post("/api/ml/", {"project": project, "url": url, "title": title, "is_interactive": True}))

    def webhooks(self, project: int) -> list[Record]:
        """The project's webhooks."""
        return self.records("/api/webhooks/", project=project)

    def create_webhook(self, project: int, url: str) -> Record:
        """A webhook for all events with their content, like the one Label Studio makes for a backend."""
        body = {"project": project, "url": url, "send_payload": True, "send_for_all_actions": True, "is_active": True}
        return dict(self.post(f"/api/webhooks/?project={project}", body))

    def predict_interactively(self, backend: int, task: int, clicks: Sequence[Record]) -> Record:
        """Sends what a click in the editor sends; the answer's ``data.result`` holds the regions."""
        path = f"/api/ml/{backend}/interactive-annotating"
        answer = self.post(path, {"task": task, "context": {"result": list(clicks)}})
        if answer.get("errors"):
            # Label Studio answers 200 here, and its editor shows nothing.
            raise ApiError(f"{path}: {json.dumps(answer['errors'])}", "look into the backend's log", 200)
        return dict(answer["data"])

    def retrieve_predictions(self, project: int) -> Record:
        """Batch predictions for all tasks, as from the Data Manager's menu."""
        path = f"/api/dm/actions/?id=retrieve_tasks_predictions&project={project}"
        return dict(self.post(path, {"selectedItems": {"all": True, "excluded": []}}))

    # annotations

    def annotate(self, task: int, result: Sequence[Record]) -> Record:
        """Save a finished annotation."""
        return dict(self.post(f"/api/tasks/{task}/annotations/", {"result": list(result), "lead_time": 1.0}))

    def annotations(self, task: int) -> list[Record]:
        """The annotations of a task."""
        return list(self.get(f"/api/tasks/{task}/annotations/"))

    def export(self, project: int) -> list[Record]:
        """The annotated tasks in Label Studio's JSON."""
        return list(self.get(f"/api/projects/{project}/export", exportType="JSON"))
