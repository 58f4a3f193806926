"""Files that Label Studio serves as ``/data/local-files/?d=...``, read directly where both see the same folder."""

from __future__ import annotations

import os
import stat
import unicodedata
from pathlib import Path
from urllib.parse import unquote, unquote_plus

from ihp_backend.label_studio.web.image_errors import ImageFetchError, shown

_ROUTE = "/data/local-files"


def is_local_file(path: str) -> bool:
    """Whether an address (path and query) is that of a file that Label Studio serves from a folder."""
    route, _, query = path.partition("?")
    return route.rstrip("/") == _ROUTE and query.startswith("d=")


def spellings(written: str) -> list[str]:
    """The paths that a path in an address may stand for, the likeliest first.

    Label Studio percent-encodes names itself, but imported tasks often carry them as they are, or encoded twice.
    Windows separates folders by backslashes, and macOS decomposes accented letters.
    """
    decoded = (unquote(written), unquote_plus(written), written, unquote(unquote(written)))
    slashes = [name.replace("\\", "/") for name in decoded]
    names = dict.fromkeys((*decoded, *slashes))
    return list(
        dict.fromkeys([*names, *(unicodedata.normalize(form, name) for form in ("NFC", "NFD") for name in names)])
    )


def read_local_file(path: str, root: Path, max_bytes: int) -> bytes | None:
    """Read the file that a Label Studio address names, if it lies in `root`.

    Args:
        path: path and query of the address, below Label Studio's base.
        root: the folder; neither ``..`` nor symbolic links lead out of it.
        max_bytes: largest accepted file.

    Returns:
        The file's bytes; None for other routes and for everything that is no regular file inside `root`, which
        Label Studio may then be asked for: it has its own rules.

    Raises:
        ImageFetchError: the file is larger than `max_bytes`, or cannot be read.
    """
    if not is_local_file(path):
        return None
    for name in spellings(path.partition("?")[2].removeprefix("d=")):
        data = _read_inside(root, name, max_bytes, path)
        if data is not None:
            return data
    return None


def _read_inside(root: Path, name: str, max_bytes: int, path: str) -> bytes | None:
    try:
        root = root.resolve(strict=True)
        target = (root / name.lstrip("/")).resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        return None
    if not target.is_relative_to(root):
        return None
    try:
        # NONBLOCK: opening a named pipe would wait for its writer. NOFOLLOW: resolved above, links came later.
        with open(os.open(target, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return None
            data = file.read(max_bytes + 1)
    except IsADirectoryError:
        return None
    except OSError as error:
        raise ImageFetchError(
            f"image {shown(path)}: cannot be read ({error.strerror}); give this server the right to read "
            "local_files_root"
        ) from None
    if len(data) > max_bytes:
        raise ImageFetchError(f"image {shown(path)}: larger than max_bytes = {max_bytes}; scale it down or raise it")
    return data
