"""Studio: Label Studio's API as the doctor needs it, reading and, for ``--fix``, writing."""

from __future__ import annotations

import json
from typing import Any

from ihp_backend.doctor.calling import Answer, NoAnswer, call
from ihp_backend.doctor.finding import MendFailed
from ihp_backend.label_studio.loose_json import objects
from ihp_backend.label_studio.problems import without_query
from ihp_backend.label_studio.web.access_tokens import AccessTokens, basic
from ihp_backend.label_studio.web.api_access import required_address
from ihp_backend.label_studio.web.image_errors import ImageFetchError
from ihp_backend.label_studio.web.image_settings import ImageSettings
from ihp_backend.label_studio.web.label_studio_address import LabelStudioAddress
from ihp_backend.label_studio.web.status_errors import in_between

Record = dict[str, Any]


ASKED = ("Label Studio", "LABEL_STUDIO_URL")
"""Who is asked, and where its address stands, for remedies."""


class StudioError(RuntimeError):
    """Label Studio did not give what was asked of it; the text names the path, the status and its words.

    Attributes:
        remedy: where the cause is known to be its connection; else empty.
    """

    def __init__(self, text: str, remedy: str = "") -> None:
        super().__init__(text)
        self.remedy = remedy


class Studio:
    """One Label Studio under one token.

    Args:
        settings: where Label Studio is and with which token.

    Attributes:
        address: where it is, with the token.
        notes: what was set right in the settings.

    Raises:
        ProjectApiError: no address is set.
    """

    def __init__(self, settings: ImageSettings) -> None:
        self.token = settings.label_studio_api_key or ""
        self.notes = settings.notes
        self.address = required_address(settings)
        self._tokens = AccessTokens(_exchange)

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return self.address.base

    def in_between(self, path: str, answer: Answer) -> tuple[str, str] | None:
        """What answered in place of Label Studio, as it stands before it, and the remedy; None for nothing."""
        body = json.dumps(answer.content).encode() if answer.content is not None else answer.text.encode()
        return in_between(self.address.absolute(path), answer.status, answer.headers, body, self.address)

    def ask(self, method: str, path: str, body: Any = None, *, with_token: bool = True) -> Answer:
        """One request.

        Raises:
            NoAnswer: Label Studio is not reached.
            ImageFetchError: a personal access token that is not taken.
        """
        headers = self._tokens.header(self.address) if with_token else basic(self.address)
        return call(method, self.address.absolute(path), body, headers=headers, patience=60.0)

    def get(self, path: str) -> Any:
        """The decoded answer of a GET.

        Raises:
            StudioError: anything but success.
        """
        try:
            answer = self.ask("GET", path)
        except NoAnswer as error:
            raise StudioError(str(error), error.error.remedy(*ASKED)) from None
        except ImageFetchError as error:
            found, _, remedy = error.of_no_image.partition("; ")
            raise StudioError(found, remedy) from None
        if not answer.ok or answer.content is None:
            raise StudioError(f"{path}: status {answer.status}, {answer.detail or 'no JSON'}")
        return answer.content

    def records(self, path: str) -> list[Record]:
        """The objects of a list, which may or may not come in pages."""
        content = self.get(path)
        return objects(content.get("results") if isinstance(content, dict) else content)

    def change(self, method: str, path: str, body: Any = None) -> None:
        """Change something.

        Raises:
            MendFailed: Label Studio did not.
        """
        try:
            answer = self.ask(method, path, body)
        except (NoAnswer, ImageFetchError) as error:
            raise MendFailed(str(error)) from None
        if not answer.ok:
            raise MendFailed(f"{method} {path}: status {answer.status}, {without_query(answer.detail)}")


def _exchange(label_studio: LabelStudioAddress, url: str, body: dict[str, str]) -> tuple[int, bytes]:
    try:
        answer = call("POST", url, body, headers=basic(label_studio))
    except NoAnswer as error:
        raise ImageFetchError(f"{error}; {error.error.remedy(*ASKED)}") from None
    return answer.status, json.dumps(answer.content).encode()
