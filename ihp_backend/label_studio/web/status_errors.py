"""What an HTTP status, or none, says about an image, and the remedy."""

from __future__ import annotations

from ihp_backend.label_studio.web.image_errors import ImageFetchError, shown
from ihp_backend.label_studio.web.label_studio_address import LabelStudioAddress

REDIRECTS = frozenset({301, 302, 303, 307, 308})


class NoAnswerError(ImageFetchError):
    """There was no connection, or no whole answer in time; it may be otherwise a moment later."""


class StatusError(ImageFetchError):
    """The server answered with a status other than success.

    Attributes:
        status: the HTTP status.
    """

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


def status_error(url: str, status: int, owner: LabelStudioAddress | None) -> StatusError:
    """The error for a status; `owner` is the Label Studio that gave it, None for other servers."""
    if status == 401 and owner:
        if not owner.token:
            remedy = "set LABEL_STUDIO_API_KEY to a token from Label Studio's Account & Settings"
        else:
            remedy = (
                "Label Studio refused the token: set LABEL_STUDIO_API_KEY to a valid personal access token (legacy "
                "tokens are off by default)"
            )
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
