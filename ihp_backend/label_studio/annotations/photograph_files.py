"""Photographs of exported tasks on this machine's disk, found by the end of their address."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from ihp_backend.datasets.folders import Folders
from ihp_backend.label_studio.web.data_uri import is_data_uri
from ihp_backend.label_studio.web.image_errors import shown
from ihp_backend.label_studio.web.local_files import spellings

# Label Studio puts eight hexadecimal digits before the name of an uploaded file.
_UPLOAD_PREFIX = re.compile(r"^[0-9a-f]{8}-")
_IN_QUERY = ("d", "filepath")
_NAMED_IN_ERRORS = 5
_DEEPEST = 200
"""Names of folders at the end of an address that are looked for; all ends of one with many thousands take hours."""


class PhotographFiles:
    """Finds photographs in some folders.

    Args:
        places: the folders, the one that counts first.
        shared: whether photographs of different addresses may be one and the same file.
    """

    def __init__(self, places: Sequence[Path], *, shared: bool = False) -> None:
        self.places, self.shared = places, shared
        self._folders = Folders()
        self._by_end: list[tuple[str, Path]] = []
        self._without_prefix = 0

    def find_all(self, addresses: Sequence[tuple[str, object]]) -> list[Path | str]:
        """The file of each task's photograph, or its address where that holds the whole photograph (a data URI).

        Args:
            addresses: of each task its name in errors and the address, None where it has none.

        Raises:
            FileNotFoundError: photographs that are not there.
            ValueError: photographs of different addresses that would be one and the same file.
        """
        found: list[Path | str] = []
        missing: list[str] = []
        for task, address in addresses:
            file = self._find(address) if isinstance(address, str) else None
            if file is None:
                missing.append(f"task {task}" if address is None else f"task {task} ({shown(address)})")
            else:
                found.append(file)
        if missing:
            more = f" and {len(missing) - _NAMED_IN_ERRORS} more" if len(missing) > _NAMED_IN_ERRORS else ""
            raise FileNotFoundError(
                f"images: the photographs of {', '.join(missing[:_NAMED_IN_ERRORS])}{more} are not in "
                f"{' or '.join(map(str, self.places))}; copy them there from Label Studio's media folder, or give "
                "images"
            )
        self._check_apart()
        return found

    def assumptions(self) -> dict[str, str]:
        """Assumptions about the files, by the option that says otherwise."""
        if not self._by_end:
            return {}
        address, file = self._by_end[0]
        files = "1 photograph was" if len(self._by_end) == 1 else f"{len(self._by_end)} photographs were"
        told = f"{files} found by the end of the address, for example {file} for {shown(address)}"
        if self._without_prefix:
            told += f"; {self._without_prefix} of them without the eight digits that Label Studio puts before a name"
        return {"images": f"{told}; images=FOLDER says where they lie"}

    def _find(self, address: str) -> Path | str | None:
        if is_data_uri(address):
            return address
        paths = [path for written in _paths(address) for path in spellings(written)]
        for path in paths[: 0 if "://" in address and not address.lower().startswith("file:") else None]:
            if path.startswith("/") and _is_file(Path(path)):
                return Path(path)
        for place, end in self._ends(paths):
            file = self._folders.find(place, end)
            if file is not None and _is_file(file):
                self._by_end.append((address, file))
                return file
        for path in paths:
            name = path.rpartition("/")[2]
            bare = _UPLOAD_PREFIX.sub("", name)
            files = (self._folders.find(place, bare) for place in self.places if bare not in (name, ".."))
            file = next((file for file in files if file is not None and _is_file(file)), None)
            if file is not None:
                self._by_end.append((address, file))
                self._without_prefix += 1
                return file
        return None

    def _ends(self, paths: Sequence[str]) -> Iterator[tuple[Path, str]]:
        """Paths at which a photograph may lie, the most exact first: ever shorter ends of its address."""
        split = [[name for name in path.split("/") if name not in ("", ".")][-_DEEPEST:] for path in paths]
        inside = [names for names in split if ".." not in names]
        for length in range(max(map(len, inside), default=0), 0, -1):
            for end in dict.fromkeys("/".join(names[-length:]) for names in inside if len(names) >= length):
                for place in self.places:
                    yield place, end

    def _check_apart(self) -> None:
        first: dict[Path, str] = {}
        for address, file in self._by_end:
            other = first.setdefault(file, address)
            if not self.shared and not _same(address, other):
                raise ValueError(
                    f"images: {file} would be the photograph of {shown(other)} and of {shown(address)}; put them into "
                    "folders as in the addresses, or say shared_photographs=true if they are the same"
                )


def _paths(address: str) -> list[str]:
    """The paths that an address holds, still encoded: in its query, before it, or all of it, for names with # and ?."""
    try:
        parts = urlsplit(address)
        query = parse_qs(parts.query)
    except ValueError:
        return [address]
    # A file's name may hold &, so that of d= all counts that follows it.
    held = [parts.query[2:]] if parts.query.startswith("d=") else [query[key][0] for key in _IN_QUERY if key in query]
    return [*(held or [parts.path]), address.partition("://")[2] or address]


def _same(address: str, other: str) -> bool:
    """Whether one address is the other with more before it, such as the host."""
    one, two = (spellings(_paths(text)[0])[0].replace("\\", "/").strip("/") for text in (address, other))
    return one == two or one.endswith(f"/{two}") or two.endswith(f"/{one}")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # A name too long for a file, or one that cannot be one.
        return False
