"""A client for the part of Label Studio's API that the demonstration and the contract tests use."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import requests

Record = dict[str, Any]


class ApiError(RuntimeError):
    """Label Studio refused a request; the message holds the request, the status and the answer."""

    def __init__(self, method: str, path: str, status: int, answer: str) -> None:
        super().__init__(f"{method} {path}: status {status}, {answer[:600]}")
        self.status = status


class LabelStudio:
    """Label Studio's API under one user.

    Args:
        url: for example http://localhost:8080.
        token: a legacy token (40 hexadecimal digits) or the access token made from a personal one.
        scheme: "Token" for a legacy token, "Bearer" for an access token.
    """

    def __init__(self, url: str, token: str, scheme: str = "Token") -> None:
        self.url = url.rstrip("/")
        self._session = requests.Session()
        # The server is on this machine: neither a proxy nor ~/.netrc has a say.
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"{scheme} {token}"

    def request(self, method: str, path: str, timeout: float = 120, **arguments: Any) -> requests.Response:
        """One request; ``ApiError`` unless the status says success."""
        answer = self._session.request(method, self.url + path, timeout=timeout, **arguments)
        if not answer.ok:
            # An HTML error page says nothing that the status does not.
            page = "html" in answer.headers.get("Content-Type", "")
            raise ApiError(method, path, answer.status_code, answer.reason if page else answer.text)
        return answer

    def get(self, path: str, **query: Any) -> Any:
        """The decoded JSON answer of a GET."""
        return self.request("GET", path, params=query).json()

    def post(self, path: str, body: Any) -> Any:
        """The decoded JSON answer of a POST; None when the answer has no body."""
        answer = self.request("POST", path, json=body)
        return answer.json() if answer.content else None

    # projects and tasks

    def projects(self) -> list[Record]:
        """All projects of the user."""
        return _results(self.get("/api/projects/", page_size=1000))

    def create_project(self, title: str, label_config: str, **settings: Any) -> Record:
        """A new project (Label Studio wants titles of three characters or more)."""
        return dict(self.post("/api/projects/", {"title": title, "label_config": label_config, **settings}))

    def tasks(self, project: int, **query: Any) -> list[Record]:
        """All tasks of the project, page by page."""
        found: list[Record] = []
        for page in range(1, 100_000):
            answer = self.get("/api/tasks/", project=project, page=page, page_size=500, **query)
            batch = answer["tasks"]
            found += batch
            if not batch or len(found) >= answer["total"]:
                break
        return found

    def upload(self, project: int, name: str, content: bytes, media_type: str = "image/jpeg") -> Record:
        """Import one photograph as one task. One request per file: of several, Label Studio keeps only the last."""
        files = {"file": (name, content, media_type)}
        return dict(self.request("POST", f"/api/projects/{project}/import", files=files).json())

    def create_task(self, project: int, image: str) -> Record:
        """A task whose image is at an address of any kind."""
        return dict(self.post("/api/tasks/", {"project": project, "data": {"image": image}}))

    def delete_task(self, task: Mapping[str, Any], uploads: Iterable[int] = ()) -> None:
        """Remove a task, and the uploaded files it came from."""
        self.request("DELETE", f"/api/tasks/{task['id']}/")
        if identifiers := list(uploads):
            self.request(
                "DELETE", f"/api/projects/{task['project']}/file-uploads", json={"file_upload_ids": identifiers}
            )

    # the backend

    def backends(self, project: int) -> list[Record]:
        """The project's backends; Label Studio asks each for its health and set-up on the way."""
        return list(self.get("/api/ml/", project=project))

    def connect_backend(self, project: int, url: str, title: str) -> Record:
        """Connect an interactive backend; Label Studio makes the webhook that belongs to it."""
        return dict(self.post("/api/ml/", {"project": project, "url": url, "title": title, "is_interactive": True}))

    def webhooks(self, project: int) -> list[Record]:
        """The project's webhooks."""
        return _results(self.get("/api/webhooks/", project=project))

    def create_webhook(self, project: int, url: str) -> Record:
        """A webhook for all events with their content, like the one Label Studio makes for a backend."""
        body = {"project": project, "url": url, "send_payload": True, "send_for_all_actions": True, "is_active": True}
        return dict(self.request("POST", "/api/webhooks/", params={"project": project}, json=body).json())

    def predict_interactively(self, backend: int, task: int, clicks: Sequence[Record]) -> Record:
        """What a click in the editor sends; the answer's ``data.result`` holds the regions."""
        answer = self.post(f"/api/ml/{backend}/interactive-annotating", {"task": task, "context": {"result": clicks}})
        if answer.get("errors"):
            # Label Studio answers 200 here, and its editor shows nothing.
            raise ApiError("POST", "interactive-annotating", 200, json.dumps(answer["errors"]))
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
        """All annotated tasks in Label Studio's JSON."""
        return list(self.get(f"/api/projects/{project}/export", exportType="JSON"))


def _results(answer: Any) -> list[Record]:
    """The list in an answer that may or may not come in pages."""
    return list(answer["results"] if isinstance(answer, dict) else answer)
