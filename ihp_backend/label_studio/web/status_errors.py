"""Status errors: the fault behind an HTTP status, or no answer, of an image or Label Studio's API, and its remedy."""

from __future__ import annotations

from collections.abc import Mapping

from ihp_backend.label_studio.web.access_tokens import is_web_token
from ihp_backend.label_studio.web.image_errors import ImageFetchError, shown
from ihp_backend.label_studio.web.label_studio_address import LabelStudioAddress
from ihp_backend.label_studio.web.no_connection import NoConnection
from ihp_backend.label_studio.web.proxies import at_proxy, proxy_of

REDIRECTS = frozenset({301, 302, 303, 307, 308})

NOT_LABEL_STUDIO = (
    "LABEL_STUDIO_URL has to be the address of Label Studio itself, with its port, and with its sub-path if it has one"
)
"""The remedy where something else answers."""


class NoAnswerError(ImageFetchError):
    """No connection, or no whole answer in time; a later attempt may succeed."""


class StatusError(ImageFetchError):
    """The server answered with a status other than success.

    Attributes:
        status: the HTTP status.
    """

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


def failed(url: str, found: tuple[str, str]) -> ImageFetchError:
    """The error for what was found, and its remedy."""
    return ImageFetchError(f"image {shown(url)}: {found[0]}; {found[1]}")


def no_answer(url: str, error: NoConnection, owner: LabelStudioAddress | None) -> ImageFetchError:
    """The error for no answer; `owner` is the Label Studio that was asked, None for other servers."""
    asked = ("Label Studio", "LABEL_STUDIO_URL") if owner else ("its server", "its address")
    remedy = error.remedy(*asked)
    if owner and not owner.configured and error.refused:
        # It runs, as it told its address a moment ago.
        remedy = (
            "set LABEL_STUDIO_URL to Label Studio's address as seen from here (in a container, localhost is the "
            "container itself)"
        )
    text = f"image {shown(url)}: {error.what}; {remedy}"
    return NoAnswerError(text) if error.passing else ImageFetchError(text)


def in_between(
    url: str, status: int, headers: Mapping[str, str], body: bytes, owner: LabelStudioAddress | None
) -> tuple[str, str] | None:
    """The error of a server in front that answered in place of the one asked, and the remedy; None if there is none.

    Args:
        headers: of the answer, their names in any case.
        body: the beginning of the answer.
        owner: the Label Studio that was asked; None for other servers.
    """
    challenge = headers.get("WWW-Authenticate", "").strip().lower()
    # A request by https goes through a proxy unseen, so that the proxy does not answer in between.
    proxy = proxy_of(url) if url.startswith("http:") else None
    if status == 407 and proxy:
        return at_proxy(proxy, status)
    if status == 401 and challenge.startswith("basic"):
        return "status 401, a server in front of it wants a user and a password (basic auth)", _for_basic_auth(owner)
    # nginx, Apache and Go say so in a 400; others just hang up.
    if status == 400 and url.startswith("http:") and (b"HTTPS" in body or b"SSL" in body):
        setting = "LABEL_STUDIO_URL" if owner else "its address"
        return "status 400, it speaks https at this port, not http", f"write https:// in {setting}"
    if proxy and (status >= 502 or (status == 403 and "json" not in headers.get("Content-Type", "").lower())):
        return at_proxy(proxy, status)
    return None


def redirected(target: str, owner: LabelStudioAddress | None, in_a_circle: bool = False) -> tuple[str, str]:
    """The error that a redirect to `target` means, and the remedy; `owner` is the Label Studio that was asked."""
    what = (
        f"redirects in a circle, the last time to {shown(target)}" if in_a_circle else f"redirects to {shown(target)}"
    )
    if owner is None:
        return what, "give the final address, or check the server"
    return what, (
        "set LABEL_STUDIO_URL to the address that a browser ends at, with https and sub-path; if that is a page for "
        "logging in, let this machine pass without it"
    )


def _for_basic_auth(owner: LabelStudioAddress | None) -> str:
    if owner is None:
        return "let this machine read it without a login, or upload the image to Label Studio"
    if owner.login is None:
        return (
            "write them into LABEL_STUDIO_URL, http://USER:PASSWORD@HOST, which needs a legacy token in "
            "LABEL_STUDIO_API_KEY; or let that server pass this machine without a login (nginx: satisfy any; allow "
            "ADDRESS;)"
        )
    if owner.token and is_web_token(owner.token):
        return (
            "a personal access token and a login need the same header: set LABEL_STUDIO_API_KEY to a legacy token, or "
            "let that server pass this machine without a login (nginx: satisfy any; allow ADDRESS;)"
        )
    return "correct the user and the password in LABEL_STUDIO_URL (special characters as %40), which it refused"


def refused_token(owner: LabelStudioAddress) -> str:
    """The remedy where Label Studio itself answers 401."""
    if not owner.token:
        return "set LABEL_STUDIO_API_KEY to a token from Label Studio's Account & Settings"
    return (
        "Label Studio refused the token: set LABEL_STUDIO_API_KEY to a valid personal access token (legacy tokens are "
        "off by default)"
    )


def status_error(
    url: str, status: int, owner: LabelStudioAddress | None, headers: Mapping[str, str], body: bytes
) -> StatusError:
    """The error for a status; `owner` is the Label Studio that gave it, None for other servers."""
    if found := in_between(url, status, headers, body, owner):
        return StatusError(f"image {shown(url)}: {found[0]}; {found[1]}", status)
    if status == 401 and owner:
        remedy = refused_token(owner)
    elif status == 403 and owner:
        remedy = (
            "Label Studio denies it: the token's user has to see the project, and local files need "
            "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true there or IHP_LOCAL_FILES_ROOT here"
        )
    elif status in (401, 403):
        remedy = (
            "the address wants a login or has expired; if it is Label Studio, set LABEL_STUDIO_URL to exactly this "
            "scheme, host and port, and LABEL_STUDIO_API_KEY"
        )
    elif status == 404:
        remedy = (
            "no such file; check the task's data, for Label Studio's own files LABEL_STUDIO_URL, and for cloud "
            "addresses the project's storage"
        )
    elif status in REDIRECTS:
        remedy = "a redirect without a target; check the server"
    else:
        remedy = "the server has a problem; try again, and read its log"
    return StatusError(f"image {shown(url)}: status {status}; {remedy}", status)
