"""Downloads with every limit on: addresses, redirects, bytes, time, and who gets to see the token."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

import requests

from ihp_backend.label_studio.web.access_tokens import AccessTokens, basic
from ihp_backend.label_studio.web.address_policy import AddressRefused, Reach
from ihp_backend.label_studio.web.data_uri import decode_data_uri, is_data_uri
from ihp_backend.label_studio.web.http_answer import Answer
from ihp_backend.label_studio.web.image_errors import ImageFetchError, shown
from ihp_backend.label_studio.web.image_settings import ImageSettings
from ihp_backend.label_studio.web.label_studio_address import LabelStudioAddress, origin
from ihp_backend.label_studio.web.no_connection import NoConnection
from ihp_backend.label_studio.web.pinned_adapter import send
from ihp_backend.label_studio.web.status_errors import (
    NOT_LABEL_STUDIO,
    REDIRECTS,
    NoAnswerError,
    StatusError,
    failed,
    in_between,
    no_answer,
    redirected,
    status_error,
)

__all__ = ["Downloader", "NoAnswerError", "StatusError"]

MOST_REDIRECTS = 5

_CHUNK_BYTES = 1 << 16
_LONGEST_COMPLAINT = 500
# No compression: images gain nothing by it, and a small answer could unfold to any size.
_HEADERS = {"User-Agent": "ihp-backend", "Accept": "image/*, */*;q=0.5", "Accept-Encoding": "identity"}
_API_HEADERS = {**_HEADERS, "Accept": "application/json, */*;q=0.5"}

Files = Mapping[str, tuple[str, bytes, str]]
"""Of a form: name, bytes and media type of each field's file."""


class Downloader:
    """Fetches addresses by HTTP. Threads may share one; every request has a connection of its own."""

    def __init__(self, settings: ImageSettings) -> None:
        self._settings = settings
        self._tokens = AccessTokens(self._exchange)

    def download(self, url: str, label_studio: LabelStudioAddress | None) -> bytes:
        """The bytes at `url`, an absolute http(s) address.

        Args:
            label_studio: gets its token with every request to itself, and with no other.

        Raises:
            StatusError: the answer was an HTTP error.
            ImageFetchError: anything else that kept the image away.
        """
        deadline = time.monotonic() + self._settings.total_seconds
        asked, visited, may_renew = url, [url], True
        while True:
            request = _prepared("GET", url)
            # Decided by the prepared address, which is the one connected to.
            owner = label_studio if label_studio is not None and label_studio.owns(str(request.url)) else None
            authorization = self._tokens.header(owner) if owner else {}
            request.headers.update(authorization)
            with self._send(request, owner) as response:
                status = response.status_code
                if status in REDIRECTS and "Location" in response.headers:
                    target = response.headers["Location"].encode("latin-1").decode("utf-8", "replace")
                    if is_data_uri(target):
                        return decode_data_uri(target, self._settings.max_bytes)
                    url = urljoin(url, target)
                    if url in visited:
                        raise failed(asked, redirected(url, owner, in_a_circle=True))
                    visited.append(url)
                    if len(visited) > MOST_REDIRECTS + 1:
                        raise ImageFetchError(
                            f"image {shown(asked)}: more than {MOST_REDIRECTS} redirects; give the final address"
                        )
                elif status in (200, 206):
                    return self._body(response, url, deadline)
                elif status == 401 and owner and may_renew and self._tokens.renew(owner, authorization):
                    may_renew = False
                else:
                    raise status_error(url, status, owner, response.headers, _complaint(response))
            if time.monotonic() > deadline:
                raise self._too_slow(url)

    def call(
        self,
        method: str,
        url: str,
        label_studio: LabelStudioAddress,
        body: Any = None,
        *,
        files: Files | None = None,
        with_token: bool = True,
    ) -> Answer:
        """A request to Label Studio's API, not repeated but for a token that has to be renewed; follows no redirect.

        Args:
            method: for example "POST".
            url: an address that `label_studio` owns.
            body: sent as JSON; None sends nothing.
            files: sent as a form; None sends nothing.
            with_token: False sends the login alone, where there is one.

        Returns:
            The answer, whatever its status.

        Raises:
            NoAnswerError: no connection, or no whole answer in time.
            ImageFetchError: a token that cannot be exchanged, or a connection that will not come about.
        """
        deadline, may_renew = time.monotonic() + self._settings.total_seconds, with_token
        while True:
            request = _prepared(method, url, body, files, _API_HEADERS)
            authorization = self._tokens.header(label_studio) if with_token else basic(label_studio)
            request.headers.update(authorization)
            began = time.perf_counter()
            with self._send(request, label_studio) as response:
                if response.status_code == 401 and may_renew and self._tokens.renew(label_studio, authorization):
                    may_renew = False
                    continue
                content = self._read(response, url, deadline)
                took = (time.perf_counter() - began) * 1000
                return Answer(response.status_code, response.headers, content, took)

    def _send(self, request: requests.PreparedRequest, owner: LabelStudioAddress | None) -> requests.Response:
        """Send `request`; `owner` is the Label Studio it goes to, None for other servers."""
        url, settings = str(request.url), self._settings
        reach = Reach.PRIVATE if settings.allow_private_addresses else Reach.PUBLIC
        if owner:
            reach = Reach.ANY if owner.configured else Reach.PRIVATE
        try:
            return send(request, reach, (settings.connect_seconds, settings.read_seconds), settings.proxies)
        except AddressRefused as error:
            raise ImageFetchError(
                f"image {shown(url)}: {error}; set IHP_ALLOW_PRIVATE_ADDRESSES=1 if images may lie in the local "
                "network, or LABEL_STUDIO_URL if this is Label Studio"
            ) from None
        except NoConnection as error:
            raise no_answer(url, error, owner) from None

    def _body(self, response: requests.Response, url: str, deadline: float, wanted: str = "an image") -> bytes:
        if response.headers.get("Content-Type", "").partition(";")[0].strip().lower() == "text/html":
            remedy = (
                NOT_LABEL_STUDIO
                if wanted == "JSON"
                else "give the image's own address, or set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY if it lies in "
                "Label Studio"
            )
            raise ImageFetchError(
                f"image {shown(url)}: a web page, perhaps for logging in, instead of {wanted}; {remedy}"
            )
        data = self._read(response, url, deadline)
        if not data:
            raise ImageFetchError(f"image {shown(url)}: the answer is empty; check the file in its storage")
        if response.status_code == 206 and not _is_whole(response.headers.get("Content-Range", ""), len(data)):
            raise ImageFetchError(f"image {shown(url)}: only a part of the file was sent; use pre-signed addresses")
        return data

    def _read(self, response: requests.Response, url: str, deadline: float) -> bytes:
        limit = self._settings.max_bytes
        too_large = ImageFetchError(
            f"image {shown(url)}: larger than max_bytes = {limit}; scale the image down or raise max_bytes"
        )
        length = response.headers.get("Content-Length", "")
        if length.isdecimal() and int(length) > limit:
            raise too_large
        data = bytearray()
        try:
            for chunk in response.iter_content(_CHUNK_BYTES):
                data += chunk
                if len(data) > limit:
                    raise too_large
                if time.monotonic() > deadline:
                    raise self._too_slow(url)
        except (requests.RequestException, OSError) as error:
            if "timed out" in str(error):
                raise self._too_slow(url) from None
            raise NoAnswerError(
                f"image {shown(url)}: the answer broke off before its end; try again, and check the server"
            ) from None
        return bytes(data)

    def _too_slow(self, url: str) -> NoAnswerError:
        settings = self._settings
        return NoAnswerError(
            f"image {shown(url)}: timed out (connect {settings.connect_seconds:g} s, read {settings.read_seconds:g} s, "
            f"all {settings.total_seconds:g} s); check the server, or raise these settings"
        )

    def _exchange(self, label_studio: LabelStudioAddress, url: str, body: dict[str, str]) -> tuple[int, bytes]:
        deadline = time.monotonic() + self._settings.total_seconds
        request = _prepared("POST", url, body)
        request.headers.update(basic(label_studio))
        with self._send(request, label_studio) as response:
            status = response.status_code
            if status == 200:
                return status, self._body(response, url, deadline, "JSON")
            if found := in_between(url, status, response.headers, _complaint(response), label_studio):
                raise failed(url, found)
            return status, b""


def _prepared(
    method: str, url: str, body: Any = None, files: Files | None = None, headers: Mapping[str, str] = _HEADERS
) -> requests.PreparedRequest:
    try:
        request = requests.Request(method, url, headers=dict(headers), json=body, files=files).prepare()
        origin(str(request.url))
    except (ValueError, requests.RequestException):
        raise ImageFetchError(f"image {shown(url)}: no http or https address; correct the task's data") from None
    return request


def _complaint(response: requests.Response) -> bytes:
    try:
        return next(response.iter_content(_LONGEST_COMPLAINT), b"")
    except (requests.RequestException, OSError):
        return b""


def _is_whole(content_range: str, received: int) -> bool:
    return content_range.replace(" ", "") == f"bytes0-{received - 1}/{received}"
