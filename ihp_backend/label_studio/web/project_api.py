"""ProjectApi: what Label Studio's API says about a project, for what its webhooks did not tell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ihp_backend.label_studio.loose_json import objects
from ihp_backend.label_studio.web.api_client import ApiClient
from ihp_backend.label_studio.web.image_settings import ImageSettings

PAGE = 50
"""Tasks asked for at a time; with their annotations and predictions they may have a megabyte each."""


class ProjectApi:
    """Reads projects; never writes.

    Args:
        settings: where Label Studio is and with which token.

    Raises:
        ProjectApiError: here: no address is set; from every method: Label Studio is down, slow, refuses, or answers
            with something else.
    """

    def __init__(self, settings: ImageSettings) -> None:
        # Whoever asks does so again later, so that nothing has to be waited for.
        self._client = ApiClient(settings, pauses=())

    def config(self, project: str) -> str:
        """The labelling config of a project."""
        return str(self._client.get_with(f"/api/projects/{int(project)}/", "label_config", str)["label_config"])

    def tasks(self, project: str) -> Iterator[dict[str, Any]]:
        """Every task of a project with its annotations, page by page."""
        seen = 0
        for page in range(1, 1 << 30):
            path = f"/api/tasks/?project={int(project)}&page={page}&page_size={PAGE}&fields=all"
            answer = self._client.get_with(path, "tasks", list)
            tasks = answer["tasks"]
            yield from objects(tasks)
            seen += len(tasks)
            if not tasks or seen >= int(answer.get("total") or 0):
                return
