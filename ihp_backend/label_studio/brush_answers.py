"""BrushAnswers: whether clicks on brush labels are answered with pictures of masks or with RLE.

The page unpacks RLE byte by byte, and decodes a picture natively; what it submits is RLE in either case. Only answers
to clicks are pictures: what is stored as a prediction is read by others, who know RLE only.
"""

from __future__ import annotations

from ihp_backend.label_studio.web.image_settings import ImageSettings
from ihp_backend.label_studio.web.label_studio_version import MASK_PICTURES_SINCE, LabelStudioVersions

AUTO, PICTURE, RLE = "auto", "picture", "rle"
CHOICES = (AUTO, PICTURE, RLE)


class BrushAnswers:
    """Knows it for each Label Studio; may be shared by threads.

    Args:
        wanted: one of ``CHOICES``. ``AUTO``: pictures, but RLE for a Label Studio that says it is too old for them.
        settings: how Label Studio is reached, to ask for its version.
    """

    def __init__(self, wanted: str, settings: ImageSettings) -> None:
        self._wanted, self._settings = wanted, settings
        self._versions = LabelStudioVersions(settings)

    def prepare(self, hostname: str | None = None, access_token: str | None = None) -> None:
        """Has the version asked for, so that no click waits for it."""
        if self._wanted == AUTO and (label_studio := self._settings.label_studio_at(hostname, access_token)):
            self._versions.of(label_studio, patience=0)

    def are_pictures(self, hostname: str | None = None, access_token: str | None = None) -> bool:
        """Whether pictures are right for the Label Studio that is configured, or else for the one that is told.

        Args:
            hostname, access_token: from the project's last ``/setup``.
        """
        if self._wanted != AUTO:
            return self._wanted == PICTURE
        label_studio = self._settings.label_studio_at(hostname, access_token)
        version = self._versions.of(label_studio) if label_studio else None
        return version is None or version >= MASK_PICTURES_SINCE
