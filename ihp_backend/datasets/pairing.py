"""Pairing: photographs and masks under the patterns of a layout, from a list of ids or from what is there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ihp_backend.datasets.folders import MASK_ENDINGS, PHOTOGRAPH_ENDINGS, Folders, without_ending
from ihp_backend.datasets.paired_files import Pair
from ihp_backend.datasets.text_files import read_lines


class Pairing:
    """Finds the two files of each sample, and keeps count of what it had to assume.

    Args:
        base: folder that the patterns are relative to.
        photographs, masks: patterns, "{id}" stands for the name.
        exact: whether only files count whose names are exactly as written.
    """

    def __init__(self, base: Path, photographs: str, masks: str, *, exact: bool = False) -> None:
        self.base, self.photographs, self.masks = base, photographs, masks
        self._folders = Folders(exact=exact)
        self._written_otherwise: list[tuple[str, str]] = []
        self._cut: list[str] = []
        self._count = 0

    def listed(self, index: Path) -> list[Pair]:
        """The pairs that a list names, in its order; raises ``ValueError`` for a list that cannot be read."""
        return self._counted([self._of_line(line.replace("\\", "/")) for line in read_lines(index)[0]])

    def named(self, names: Sequence[str]) -> list[Pair]:
        """The pairs of some ids, in their order."""
        return self._counted([self._pair(name) for name in names])

    def all(self) -> list[Pair]:
        """The pairs of all masks in the folder."""
        names = {without_ending(name) for name in self._names(self.masks, MASK_ENDINGS)}
        return self._counted([self._pair(name) for name in sorted(names)])

    def assumptions(self, lists: Sequence[Path], looked_for: Sequence[str]) -> dict[str, str]:
        """Assumptions about the files, by the option that says otherwise.

        Args:
            lists: the lists that there are, the one that counts first.
            looked_for: where there is none, the lists that were looked for.
        """
        return {"ids": self._of_list(lists) if lists else self._without_list(looked_for), **self.names_assumed()}

    def names_assumed(self) -> dict[str, str]:
        """Assumptions about how names are written, by the option that says otherwise."""
        if not self._written_otherwise:
            return {}
        written, found = self._written_otherwise[0]
        return {
            "exact_names": f"{_files(len(self._written_otherwise))} found though not named exactly so, for example "
            f"{found} for {written}; exact_names=true leaves them out"
        }

    def _of_list(self, lists: Sequence[Path]) -> str:
        index, *others = lists
        lines, encoding = read_lines(index)
        told = f"{index} lists the photographs" + (
            f" ({encoding}, by its byte order mark)" if encoding != "UTF-8" else ""
        )
        there = len(self._names(self.masks, MASK_ENDINGS))
        told += f"; {self._count} listed, {there} masks in {(self.base / self.masks).parent}"
        if self._cut:
            told += f"; of {_lines(len(self._cut))} only the first word counts, for example of {self._cut[0]!r}"
        differing = [str(other) for other in others if _lines_of(other) != lines]
        if differing:
            verbs = "differs from it and does" if len(differing) == 1 else "differ from it and do"
            told += f"; {', '.join(differing)} {verbs} not count"
        return f"{told}; ids=FILE takes another list, ids=all all masks"

    def _without_list(self, looked_for: Sequence[str]) -> str:
        lonely = len(self._names(self.photographs, PHOTOGRAPH_ENDINGS)) - self._count
        without = f", {lonely} more photographs have none" if lonely > 0 else ""
        lists = f" ({', '.join(looked_for)})" if looked_for else ""
        return f"no list is there{lists}; all {self._count} masks count{without}; ids=FILE takes a list"

    def _of_line(self, line: str) -> Pair:
        """The pair that a line names: by id, by file name, or by the paths of photograph and mask."""
        words = line.split()
        if len(words) > 1 and all("/" in word for word in words[:2]):
            photograph, mask = (word.lstrip("/") for word in words[:2])
            return Pair(without_ending(Path(photograph).name), *self._files(photograph, mask))
        name = without_ending(line)
        if len(words) > 1 and not self._there(name):
            self._cut.append(line)
            name = without_ending(words[0])
        if "/" in name and not self._there(name):
            name = name.rpartition("/")[2]
        return self._pair(name)

    def _pair(self, name: str) -> Pair:
        return Pair(name, *self._files(self.photographs.format(id=name), self.masks.format(id=name)))

    def _files(self, photograph: str, mask: str) -> tuple[Path, Path]:
        return self._file(photograph, PHOTOGRAPH_ENDINGS), self._file(mask, MASK_ENDINGS)

    def _file(self, written: str, endings: Sequence[str]) -> Path:
        """The file that is there, or as it should be called: reading it names what is missing."""
        found = self._folders.find(self.base, written, endings)
        if found is None:
            return self.base / written
        if found != self.base / written:
            self._written_otherwise.append((written, str(found.relative_to(self.base))))
        return found

    def _there(self, name: str) -> bool:
        return self._folders.find(self.base, self.photographs.format(id=name), PHOTOGRAPH_ENDINGS) is not None

    def _names(self, pattern: str, endings: Sequence[str]) -> list[str]:
        """The names in a pattern's folder that fit it, whatever their ending."""
        folder = self._folders.names((self.base / pattern).parent)
        if self._folders.exact:
            return [name for name in folder if name.endswith(Path(pattern).suffix)]
        return [name for name in folder if name.lower().endswith(tuple(endings))]

    def _counted(self, pairs: list[Pair]) -> list[Pair]:
        self._count = len(pairs)
        return pairs


def _lines_of(other: Path) -> list[str]:
    """The lines of a list that does not count; none where it cannot be read."""
    try:
        return read_lines(other)[0]
    except ValueError:
        return []


def _files(count: int) -> str:
    return "1 file was" if count == 1 else f"{count} files were"


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count} lines"
