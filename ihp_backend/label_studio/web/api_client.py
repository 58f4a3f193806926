"""ApiClient: requests to Label Studio's API that outlast a restart of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from typing import Any

from ihp_backend.label_studio.problems import without_query
from ihp_backend.label_studio.web.api_access import ProjectApiError, patient_downloader, required_address
from ihp_backend.label_studio.web.download import NoAnswerError
from ihp_backend.label_studio.web.image_errors import ImageFetchError, shown
from ihp_backend.label_studio.web.image_settings import ImageSettings
from ihp_backend.label_studio.web.label_studio_address import LabelStudioAddress
from ihp_backend.label_studio.web.status_errors import NOT_LABEL_STUDIO, refused_token

PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds before each repetition."""

_PASSING = frozenset({429, 500, 502, 503, 504})
_READ_SECONDS = 100.0


class ApiClient:
    """Asks and, where there is no answer, asks again after growing pauses. Threads may share one.

    Args:
        settings: where Label Studio is and with which token.
        stopped: set from outside, ends every pause.
        pauses: seconds before each repetition; without any, nothing is asked twice.

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

    def get_with(self, path: str, field: str, kind: type) -> dict[str, Any]:
        """The answer of a GET, an object with a field of a kind: other servers may answer JSON, too."""
        answer = self.get(path)
        if not isinstance(answer, dict) or not isinstance(answer.get(field), kind):
            url = shown(self._label_studio.absolute(path))
            raise ProjectApiError(f"{url}: JSON without {field!r}, not as Label Studio answers; {NOT_LABEL_STUDIO}")
        return answer

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
                said, _, remedy = error.of_no_image.partition("; ")
            except ImageFetchError as error:
                raise ProjectApiError(error.of_no_image) from None
            else:
                if status < 400:
                    return _decoded(content, url)
                said, remedy = f"{shown(url)}: status {status}", _remedy(status, content, self._label_studio)
                if status not in _PASSING:
                    raise ProjectApiError(f"{said}; {remedy}")
            if pause is None or self._stopped.wait(pause):
                break
            if already is not None and already():
                return None
        tried = f", {len(self._pauses) + 1} times within {sum(self._pauses):.0f} s" if self._pauses else ""
        raise ProjectApiError(f"{said}{tried}; {remedy}")


def _decoded(content: bytes, url: str) -> Any:
    try:
        return json.loads(content)
    except ValueError as error:
        raise ProjectApiError(f"{shown(url)}: no JSON ({error}); {NOT_LABEL_STUDIO}") from None


def _remedy(status: int, content: bytes, label_studio: LabelStudioAddress) -> str:
    if status == 401:
        return refused_token(label_studio)
    if status == 403:
        return "the token's user may not do this; take one who may change the project"
    if status == 404 and b'"detail"' in content:
        return "Label Studio has no such thing, or does not show it to the token's user; check the project's number"
    if status == 404:
        return f"this is not Label Studio's answer: {NOT_LABEL_STUDIO}"
    if status in (502, 503, 504):
        return "what stands before Label Studio does not reach it; look whether it runs, and run the command again"
    if status == 429:
        return "Label Studio or what stands before it wants fewer requests; run the command again later"
    if status == 500:
        return "look into Label Studio's log, and run the command again"
    if content.lstrip().startswith(b"<"):
        return f"a web page, not Label Studio's answer: {NOT_LABEL_STUDIO}"
    return f"Label Studio says {without_query(content.decode('utf-8', 'replace'))!r}"
