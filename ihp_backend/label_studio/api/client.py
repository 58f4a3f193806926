"""LabelStudio: the client of Label Studio's API, whose requests outlast a restart of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from ihp_backend.label_studio.api.api_errors import ApiError, in_its_place, trouble_of
from ihp_backend.label_studio.loose_json import objects
from ihp_backend.label_studio.web.download import Downloader, Files, NoAnswerError
from ihp_backend.label_studio.web.http_answer import Answer
from ihp_backend.label_studio.web.image_errors import ImageFetchError, shown
from ihp_backend.label_studio.web.image_settings import ImageSettings
from ihp_backend.label_studio.web.label_studio_address import LabelStudioAddress
from ihp_backend.label_studio.web.status_errors import NOT_LABEL_STUDIO

Record = dict[str, Any]

PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds before each repetition."""

PAGE = 100
"""Tasks asked for at a time."""

# Answers are larger than an image and take Label Studio longer.
_MOST_BYTES = 1 << 29
_READ_SECONDS = 100.0
_TOTAL_SECONDS = 300.0


class LabelStudio:
    """Client of one Label Studio under one token of either kind. Threads may share a client.

    A GET that gets no answer, or one that passes (429, 5xx), is repeated after growing pauses.

    Args:
        settings: where Label Studio is and with which token; their seconds count where they are more than usual here.
        stopped: set from outside, ends every pause.
        pauses: seconds before each repetition; without any, nothing is asked twice.

    Attributes:
        address: where it is, with the token.
        notes: what was set right in the settings.

    Raises:
        ApiError: here: no address is set; from every method: Label Studio gave no answer in spite of all patience,
            or refused.
    """

    def __init__(
        self, settings: ImageSettings, stopped: threading.Event | None = None, pauses: Sequence[float] = PAUSES
    ) -> None:
        address = settings.label_studio()
        if address is None:
            raise ApiError("label_studio_url: not set", "set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY")
        self.address: LabelStudioAddress = address
        self.notes = settings.notes
        self._pauses, self._stopped = tuple(pauses), stopped or threading.Event()
        self._downloader = Downloader(
            replace(
                settings,
                max_bytes=_MOST_BYTES,
                total_seconds=max(settings.total_seconds, _TOTAL_SECONDS),
                read_seconds=max(settings.read_seconds, _READ_SECONDS),
            )
        )

    @property
    def url(self) -> str:
        """The address of Label Studio, without a slash at the end."""
        return self.address.base

    @property
    def token(self) -> str:
        """The token as it was set; empty for none."""
        return self.address.token or ""

    def ask(
        self, method: str, path: str, body: Any = None, *, files: Files | None = None, with_token: bool = True
    ) -> Answer:
        """The answer to one request, whatever its status.

        Args:
            path: with its query; begins with /.
            body: sent as JSON.
            files: sent as a form.
            with_token: False asks as somebody without an account.

        Raises:
            ApiError: no answer, or a token that is not taken in exchange.
        """
        try:
            return self._downloader.call(
                method, self.address.absolute(path), self.address, body, files=files, with_token=with_token
            )
        except ImageFetchError as error:
            found, _, remedy = error.of_no_image.partition("; ")
            raise ApiError(found, remedy, passing=isinstance(error, NoAnswerError)) from None

    def get(self, path: str, **query: Any) -> Any:
        """The decoded answer of a GET."""
        return self._content("GET", f"{path}?{urlencode(query)}" if query else path, pauses=self._pauses)

    def get_with(self, path: str, field: str, kind: type, **query: Any) -> Record:
        """The answer of a GET, an object with a field of a kind: other servers may answer JSON, too."""
        answer = self.get(path, **query)
        if not isinstance(answer, dict) or not isinstance(answer.get(field), kind):
            found = f"{shown(self.address.absolute(path))}: JSON without {field!r}, not as Label Studio answers"
            raise ApiError(found, NOT_LABEL_STUDIO)
        return answer

    def records(self, path: str, **query: Any) -> list[Record]:
        """The objects of a list, which may or may not come as a page."""
        content = self.get(path, **query)
        return objects(content.get("results") if isinstance(content, dict) else content)

    def post(self, path: str, body: Any, already: Callable[[], bool] | None = None) -> Any:
        """The decoded answer of a POST, None for an empty one.

        Args:
            already: says before it is repeated whether it was done after all; without it, nothing is repeated.
        """
        return self._content("POST", path, body, pauses=self._pauses if already else (), already=already)

    def change(self, method: str, path: str, body: Any = None, *, files: Files | None = None) -> Any:
        """The decoded answer of a request that is not repeated, None for an empty one."""
        return self._content(method, path, body, files=files)

    def project(self, number: int | str) -> Record:
        """A project's settings, with its labelling config."""
        return self.get_with(f"/api/projects/{int(number)}/", "label_config", str)

    def exists(self, path: str) -> bool:
        """Whether Label Studio has what is at a path; only its own word that there is no such thing counts as no.

        Raises:
            ApiError: no answer, a refusal, or the answer of another server, which say nothing.
        """
        answer = self.ask("GET", path)
        said = answer.content if isinstance(answer.content, dict) else {}
        # So its error pages are made; of other servers' none has all of it.
        if answer.status == 404 and said.get("status_code") == 404 and {"version", "detail"} <= said.keys():
            return False
        if (trouble := trouble_of(self.address.absolute(path), answer, self.address)) is not None:
            raise trouble
        if "id" not in said:
            raise ApiError(f"{shown(self.address.absolute(path))}: not as Label Studio answers", NOT_LABEL_STUDIO)
        return True

    def tasks(self, project: int | str, page_size: int = PAGE, **query: Any) -> Iterator[Record]:
        """The tasks of a project, page by page."""
        seen = 0
        for page in range(1, 1 << 30):
            answer = self.get_with(
                "/api/tasks/", "tasks", list, project=int(project), page=page, page_size=page_size, **query
            )
            yield from objects(answer["tasks"])
            seen += len(answer["tasks"])
            if not answer["tasks"] or seen >= int(answer.get("total") or 0):
                return

    def backends(self, project: int | str) -> list[Record]:
        """The connected backends, each with the state and the version that it told Label Studio just now."""
        return self.records("/api/ml/", project=int(project))

    def in_between(self, path: str, answer: Answer) -> tuple[str, str] | None:
        """The server that answered in place of Label Studio, or its redirect, with the remedy; None for neither."""
        return in_its_place(self.address.absolute(path), answer, self.address)

    def _content(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        files: Files | None = None,
        pauses: Sequence[float] = (),
        already: Callable[[], bool] | None = None,
    ) -> Any:
        tried = f", {len(pauses) + 1} times within {sum(pauses):.0f} s" if pauses else ""
        for pause in (*pauses, None):
            try:
                answer = self.ask(method, path, body, files=files)
                if (trouble := trouble_of(self.address.absolute(path), answer, self.address)) is not None:
                    raise trouble
                return self._decoded(method, path, answer)
            except ApiError as error:
                if not error.passing:
                    raise
                if pause is None or self._stopped.wait(pause):
                    raise ApiError(f"{error.found}{tried}", error.remedy, error.status, passing=True) from None
            if already is not None and already():
                break
        return None

    def _decoded(self, method: str, path: str, answer: Answer) -> Any:
        url = shown(self.address.absolute(path))
        if answer.is_web_page:
            raise ApiError(f"{url}: a web page, perhaps for logging in, instead of JSON", NOT_LABEL_STUDIO)
        if method != "GET" and not answer.body:
            return None
        try:
            return json.loads(answer.body)
        except ValueError as error:
            raise ApiError(f"{url}: no JSON ({error})", NOT_LABEL_STUDIO) from None
