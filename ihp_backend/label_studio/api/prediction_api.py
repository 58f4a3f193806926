"""PredictionApi: which tasks of a project have a prediction of a version, and giving them one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ihp_backend.label_studio.api.client import ApiError, LabelStudio, Record

_LONGEST_LIST = 500
"""Characters after which Label Studio cuts the list of a task's model versions."""

# The Data Manager lists a task's model versions only where they are filtered by; no version contains this.
_ALL_WITH_VERSIONS = {
    "filters": {
        "conjunction": "and",
        "items": [
            {
                "filter": "filter:tasks:predictions_model_versions",
                "operator": "not_contains",
                "type": "List",
                "value": ["(no version is called so)"],
            }
        ],
    }
}


class PredictionApi:
    """Reads tasks and adds predictions; changes and deletes nothing that is there.

    Args:
        client: asks Label Studio; what it raises comes out of every method.
    """

    def __init__(self, client: LabelStudio) -> None:
        self._client = client

    def had_to_wait(self, project: str) -> bool:
        """Waits until Label Studio answers; returns whether it did not at first."""
        path = f"/api/projects/{project}/"
        try:
            if self._client.ask("GET", path).ok:
                return False
        except ApiError:
            pass
        self._client.get(path)
        return True

    def tasks(self, project: str, version: str) -> Iterator[tuple[Record, bool]]:
        """The tasks, each with whether it has a prediction of that version: ``id``, ``data``, ``annotated``.

        ``annotated`` says whether anybody has submitted an annotation; drafts and skipped tasks do not count.

        Masks are not fetched for it, so that a project of thousands is gone through in seconds.
        """
        # Addresses stay as they were imported, as /predict gets them.
        for task in self._client.tasks(project, resolve_uri="false", query=json.dumps(_ALL_WITH_VERSIONS)):
            known = _known(task.get("predictions_model_versions"), version)
            has = self.has(task["id"], version) if known is None else known
            annotated = int(task.get("total_annotations") or 0) > 0
            yield {"id": task["id"], "data": task.get("data"), "annotated": annotated}, has

    def has(self, task: int, version: str) -> bool:
        """Whether a task has a prediction of that version."""
        listed = self._client.records("/api/predictions/", task=task)
        return any(one.get("model_version") == version for one in listed)

    def post(self, project: str, task: int, item: dict[str, Any]) -> None:
        """Add a prediction to a task; ``item`` has model_version, score and result."""
        version = item["model_version"]
        body = {
            "task": task,
            "project": int(project),
            **{key: item[key] for key in ("model_version", "score", "result")},
        }
        self._client.post("/api/predictions/", body, already=lambda: self.has(task, version))


def _known(versions: Any, version: str) -> bool | None:
    """Whether a version is in the Data Manager's list; None if the list cannot tell."""
    if not isinstance(versions, str) or len(versions) >= _LONGEST_LIST or "," in version or '"' in version:
        return None
    return version in [one.strip() for one in versions.split(",")]
