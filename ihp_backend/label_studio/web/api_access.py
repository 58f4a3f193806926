"""What every request to Label Studio's API needs: the address, the token, and more patience than an image takes."""

from __future__ import annotations

from dataclasses import replace

from ihp_backend.label_studio.web.download import Downloader
from ihp_backend.label_studio.web.image_settings import ImageSettings
from ihp_backend.label_studio.web.label_studio_address import LabelStudioAddress

_MOST_BYTES = 1 << 29
_LEAST_SECONDS = 300.0


class ProjectApiError(RuntimeError):
    """Label Studio did not give what was asked of it; the text names the address, what happened and the remedy."""


def required_address(settings: ImageSettings) -> LabelStudioAddress:
    """The Label Studio that the settings name, with its token.

    Raises:
        ProjectApiError: they name none.
    """
    label_studio = settings.label_studio()
    if label_studio is None:
        raise ProjectApiError("label_studio_url: not set; set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY")
    return label_studio


def patient_downloader(settings: ImageSettings, read_seconds: float = 0.0) -> Downloader:
    """For answers that are larger than an image and take Label Studio longer.

    Args:
        settings: their seconds count where they are more.
        read_seconds: shortest time that is waited between two pieces of an answer.
    """
    return Downloader(
        replace(
            settings,
            max_bytes=_MOST_BYTES,
            total_seconds=max(settings.total_seconds, _LEAST_SECONDS),
            read_seconds=max(settings.read_seconds, read_seconds),
        )
    )
