"""ApiClient: requests to Label Studio's API that outlast a restart of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from typing import Any

from ihp_backend.label_studio.web.api_access import ProjectApiError, patient_downloader, required_address
from ihp_backend.label_studio.web.download import NoAnswerError
from ihp_backend.label_studio.web.image_errors import ImageFetchError, shown
from ihp_backend.label_studio.web.image_settings import ImageSettings

PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds before each repetition."""

_PASSING = frozenset({429, 500, 502, 503, 504})
_READ_SECONDS = 100.0


class ApiClient:
    """Asks and, where there is no answer, asks again after growing pauses. Threads may share one.

    Args:
        settings: where Label Studio is and with which token.
        stopped: set from outside, ends every pause.
        pauses: seconds before each repetition.

    Raises:
        ProjectApiError: here: no address is set; from every method: Label Studio gave no answer in spite of all
            patience, or refused.
    """

    def __init__(
        self, settings: ImageSettings, stopped: threading.Event | None = None, pauses: Sequence[float] = PAUSES
    ) -> None:
        self._pauses, self._stopped = tuple(pauses), stopped or threading.Event()
        self._label_studio = required_address(settings)
        self._downloader = patient_downloader(settings, _READ_SECONDS)

    def get(self, path: str) -> Any:
        """The decoded answer of a GET; ``path`` begins with /."""
        return self._ask("GET", path)

    def post(self, path: str, body: dict[str, Any], already: Callable[[], bool]) -> None:
        """A POST, done once: before it is repeated, ``already`` says whether that was done after all."""
        self._ask("POST", path, body, already)

    def had_to_wait(self, path: str) -> bool:
        """Whether Label Studio did not answer a GET at first; returns when it does."""
        try:
            if self._downloader.call("GET", self._label_studio.absolute(path), self._label_studio)[0] < 400:
                return False
        except ImageFetchError:
            pass
        self.get(path)
        return True

    def _ask(
        self, method: str, path: str, body: dict[str, Any] | None = None, already: Callable[[], bool] | None = None
    ) -> Any:
        url = self._label_studio.absolute(path)
        for pause in (*self._pauses, None):
            try:
                status, content = self._downloader.call(method, url, self._label_studio, body)
            except NoAnswerError as error:
                said = error.of_no_image
            except ImageFetchError as error:
                raise ProjectApiError(error.of_no_image) from None
            else:
                if status < 400:
                    return _decoded(content, url)
                said = f"{shown(url)}: status {status}"
                if status not in _PASSING:
                    raise ProjectApiError(f"{said}; {_remedy(status, content)}")
            if pause is None or self._stopped.wait(pause):
                break
            if already is not None and already():
                return None
        raise ProjectApiError(
            f"{said}; Label Studio did not answer for {sum(self._pauses):.0f} s: start it and run the command again"
        )


def _decoded(content: bytes, url: str) -> Any:
    try:
        return json.loads(content)
    except ValueError as error:
        raise ProjectApiError(f"{shown(url)}: no JSON ({error}); is this Label Studio?") from None


def _remedy(status: int, content: bytes) -> str:
    if status == 401:
        return "set LABEL_STUDIO_API_KEY to a valid token from Label Studio's Account & Settings"
    if status == 403:
        return "the token's user may not do this; take one who may change the project"
    if status == 404:
        return "there is no such thing; check the project's number and LABEL_STUDIO_URL"
    return f"Label Studio says {content.decode('utf-8', 'replace')!r}"
