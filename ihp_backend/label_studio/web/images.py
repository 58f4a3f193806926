"""The image of a task: from whatever a task's data names to the bytes of the file.

Concurrency: `ImageSource` may be shared by threads. Threads that want the same image at the same time share one
download: the first one does it, the others wait for its result.
"""

from __future__ import annotations

import base64
import logging
from urllib.parse import quote, urlsplit

from ihp_backend.label_studio.web.data_uri import decode_data_uri, is_data_uri
from ihp_backend.label_studio.web.download import Downloader, StatusError
from ihp_backend.label_studio.web.image_cache import ImageCache
from ihp_backend.label_studio.web.image_errors import ImageFetchError, shown
from ihp_backend.label_studio.web.image_settings import ImageSettings
from ihp_backend.label_studio.web.label_studio_address import LabelStudioAddress, base_url
from ihp_backend.label_studio.web.local_files import is_local_file, read_local_file
from ihp_backend.single_flight import SingleFlight

__all__ = ["ImageFetchError", "ImageSettings", "ImageSource"]

logger = logging.getLogger(__name__)

_CLOUD_SCHEMES = ("s3", "gs", "azure-blob")
_UPLOADS = "/data/upload/"

_Wanted = tuple[str, LabelStudioAddress | None]


class ImageSource:
    """Fetches the images of tasks, and keeps them on disk.

    A kept image is given to everyone who may ask this server for its address: the server works for one Label
    Studio, whose users it does not tell apart.
    """

    def __init__(self, settings: ImageSettings) -> None:
        self._settings = settings
        self._downloader = Downloader(settings)
        self._cache = ImageCache(settings.cache_dir, settings.cache_bytes) if settings.cache_dir else None
        self._fetching = SingleFlight[_Wanted, bytes]()

    def fetch(
        self, url: str, *, hostname: str | None = None, access_token: str | None = None, task_id: int | None = None
    ) -> bytes:
        """The bytes of an image file.

        Args:
            url: as it stands in the task's data: a ``data:`` URI, an absolute http(s) address, a relative address
                of Label Studio (``/data/upload/...``, ``/data/local-files/?d=...``, ``/tasks/1/resolve/...``) or
                a cloud address (``s3://``, ``gs://``, ``azure-blob://``).
            hostname: Label Studio's address as it gives it in ``/setup``; used where the settings have none.
            access_token: the token from ``/setup``; used where the settings have none.
            task_id: id of the task, by which Label Studio finds the storage of a cloud address.

        Raises:
            ImageFetchError: with a text that names the address (without secrets), what happened and the remedy.
        """
        if not isinstance(url, str) or not url.strip():
            raise ImageFetchError(f"image {shown(url)}: no address; check that the task's data has an image")
        url = url.strip()
        if is_data_uri(url):
            return decode_data_uri(url, self._settings.max_bytes)
        label_studio = self._label_studio(hostname, access_token)
        if (data := self._local(url)) is not None:
            return data
        absolute = self._absolute(url, label_studio, hostname, task_id)
        path = label_studio.path_of(absolute) if label_studio else None
        if path is not None and (data := self._local(path)) is not None:
            return data
        return self._fetching.do((absolute, label_studio), lambda: self._kept_or_fetched(absolute, label_studio, path))

    def _local(self, path: str) -> bytes | None:
        root = self._settings.local_files_root
        return read_local_file(path, root, self._settings.max_bytes) if root else None

    def _label_studio(self, hostname: str | None, access_token: str | None) -> LabelStudioAddress | None:
        if configured := self._settings.label_studio(access_token):
            return configured
        if not hostname:
            return None
        # Anyone who reaches /setup can hand over a host name: the operator's own key does not go there.
        try:
            return LabelStudioAddress(base_url(hostname), access_token or None, configured=False)
        except ValueError:
            return None

    def _absolute(
        self, url: str, label_studio: LabelStudioAddress | None, hostname: str | None, task_id: int | None
    ) -> str:
        try:
            parts = urlsplit(url)
        except ValueError:
            raise ImageFetchError(f"image {shown(url)}: malformed address; correct the task's data") from None
        scheme = parts.scheme.lower()
        if scheme in ("http", "https"):
            return self._as_seen_from_here(url, label_studio, hostname)
        if scheme in _CLOUD_SCHEMES:
            if label_studio is None or task_id is None:
                raise ImageFetchError(
                    f"image {shown(url)}: only Label Studio has the keys of this storage; set LABEL_STUDIO_URL and "
                    "LABEL_STUDIO_API_KEY, or turn on pre-signed URLs in the storage's settings"
                )
            packed = quote(base64.urlsafe_b64encode(url.encode("utf-8", "surrogatepass")).decode())
            return label_studio.absolute(f"/tasks/{int(task_id)}/presign/?fileuri={packed}")
        if scheme:
            raise ImageFetchError(
                f"image {shown(url)}: {scheme!r} addresses are not fetched; upload the image to Label Studio or give "
                "an http(s) address"
            )
        if url.startswith("//"):
            return f"{urlsplit(label_studio.base).scheme if label_studio else 'https'}:{url}"
        if label_studio is None and self._settings.local_files_root is not None and is_local_file(url):
            raise ImageFetchError(
                f"image {shown(url)}: not found in local_files_root = {self._settings.local_files_root}, and Label "
                "Studio's own address is not known; put the file there, correct IHP_LOCAL_FILES_ROOT, or set "
                "LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY"
            )
        if label_studio is None:
            raise ImageFetchError(
                f"image {shown(url)}: a relative address, and Label Studio's own is not known; set LABEL_STUDIO_URL "
                "and LABEL_STUDIO_API_KEY"
            )
        return label_studio.absolute(url)

    @staticmethod
    def _as_seen_from_here(url: str, label_studio: LabelStudioAddress | None, hostname: str | None) -> str:
        """Browsers and containers know one Label Studio by different names: the configured one counts."""
        if label_studio is None or not label_studio.configured or not hostname:
            return url
        try:
            path = LabelStudioAddress(base_url(hostname), None, configured=False).path_of(url)
        except ValueError:
            return url
        return url if path is None else label_studio.absolute(path)

    def _kept_or_fetched(self, url: str, label_studio: LabelStudioAddress | None, path: str | None) -> bytes:
        kept = self._cache.get(url) if self._cache else None
        if kept is not None:
            return kept
        try:
            data = self._downloader.download(url, label_studio)
        except StatusError as error:
            if error.status != 404 or label_studio is None or not (path or "").startswith(_UPLOADS):
                raise
            # With uploads in the cloud, some versions of Label Studio only serve this route.
            file = str(path).partition("?")[0].removeprefix("/data/")
            try:
                data = self._downloader.download(
                    label_studio.absolute(f"/storage-data/uploaded/?filepath={file}"), label_studio
                )
            except ImageFetchError:
                raise error from None
        logger.debug("fetched %s: %d bytes", shown(url), len(data))
        if self._cache:
            self._cache.put(url, data)
        return data
