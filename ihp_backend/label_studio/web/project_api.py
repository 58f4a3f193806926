"""ProjectApi: what Label Studio's API says about a project, for what its webhooks did not tell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ihp_backend.label_studio.loose_json import objects
from ihp_backend.label_studio.web.api_access import ProjectApiError, patient_downloader, required_address
from ihp_backend.label_studio.web.image_errors import ImageFetchError
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
        self._label_studio = required_address(settings)
        self._downloader = patient_downloader(settings)

    def config(self, project: str) -> str:
        """The labelling config of a project."""
        config = self._get(f"/api/projects/{int(project)}/").get("label_config")
        return config if isinstance(config, str) else ""

    def tasks(self, project: str) -> Iterator[dict[str, Any]]:
        """Every task of a project with its annotations, page by page."""
        seen = 0
        for page in range(1, 1 << 30):
            path = f"/api/tasks/?project={int(project)}&page={page}&page_size={PAGE}&fields=all"
            answer = self._get(path)
            tasks = answer.get("tasks")
            if not isinstance(tasks, list):
                raise ProjectApiError(f"{self._label_studio.base}/api/tasks/: no list of tasks; is this Label Studio?")
            yield from objects(tasks)
            seen += len(tasks)
            if not tasks or seen >= int(answer.get("total") or 0):
                return

    def _get(self, path: str) -> dict[str, Any]:
        url = self._label_studio.absolute(path)
        try:
            answer = json.loads(self._downloader.download(url, self._label_studio))
        except ImageFetchError as error:
            raise ProjectApiError(error.of_no_image) from None
        except ValueError as error:
            raise ProjectApiError(f"{url.partition('?')[0]}: no JSON ({error}); is this Label Studio?") from None
        if not isinstance(answer, dict):
            raise ProjectApiError(f"{url.partition('?')[0]}: no JSON object; is this Label Studio?")
        return answer
