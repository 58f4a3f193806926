"""Layouts: how a data set's files lie on a disk, found out from the folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ihp_backend.datasets.paired_files import Pair


@dataclass(frozen=True)
class Layout:
    """Where the files of one split lie, relative to the data set's folder.

    Attributes:
        photographs: pattern of a photograph, "{id}" stands for its name.
        masks: pattern of its mask.
        lists: files that may list the split's ids; the first that exists counts. Where there is none, all masks of the
            folder are taken.
        shared: the folders hold other splits as well, so that a list there must be.
    """

    photographs: str
    masks: str
    lists: tuple[str, ...] = ()
    shared: bool = False

    def missing(self, base: Path) -> list[str]:
        """Which of its folders ``base`` lacks."""
        return [folder for folder in map(_folder, (self.photographs, self.masks)) if not (base / folder).is_dir()]

    def __str__(self) -> str:
        named = f"{self.photographs} with {self.masks}"
        return f"{named} and {' or '.join(self.lists)}" if self.shared else named


@dataclass(frozen=True)
class Source:
    """A data set as it circulates.

    Attributes:
        title: its name.
        layouts: for each split the layouts in circulation.
        remedy: where to get it, and what is not usable.
        inner: folders inside which the archive packs everything.
        no_split: why other splits do not exist.
    """

    title: str
    layouts: Mapping[str, Sequence[Layout]]
    remedy: str
    inner: tuple[str, ...] = ()
    no_split: str = ""

    def pairs(self, root: Path | str, split: str) -> list[Pair]:
        """The files of one split.

        Raises:
            ValueError: the data set has no such split.
            FileNotFoundError: the folder has none of the layouts; the text lists what was looked for.
        """
        root = Path(root)
        self.check_split(split)
        if not root.is_dir():
            raise FileNotFoundError(f"root: {root} is no folder; {self.remedy}")
        bases = [root, *(root / folder for folder in self.inner)]
        found = [(base, layout) for layout in self.layouts[split] for base in bases if not layout.missing(base)]
        without_list = []
        for base, layout in found:
            places = [place / name for place in dict.fromkeys((base, root)) for name in layout.lists]
            index = next((place for place in places if place.is_file()), None)
            if index is not None:
                return [_pair(base, layout, line, index) for line in read_lines(index)]
            if not layout.shared:
                folder, suffix = _folder(layout.masks), layout.masks.rpartition("{id}")[2]
                names = sorted(file.name for file in (base / folder).iterdir() if file.name.endswith(suffix))
                return [_pair(base, layout, name.removesuffix(suffix)) for name in names]
            without_list.append(f"{_folder(layout.photographs)} lacks {' or '.join(layout.lists)}")
        raise FileNotFoundError(
            f"root: {root} holds no {split} split of {self.title} in a known layout. Looked for: "
            f"{'; '.join(str(layout) for layout in self.layouts[split])}. "
            f"{self._nearest(bases, split, without_list)}{self.remedy[:1].upper()}{self.remedy[1:]}"
        )

    def check_split(self, split: str) -> None:
        """Raises ``ValueError`` for a split that does not exist."""
        if split not in self.layouts:
            reason = f" ({self.no_split})" if self.no_split else ""
            raise ValueError(f"split: {split!r} does not exist; {self.title} has {', '.join(self.layouts)}{reason}")

    def _nearest(self, bases: Sequence[Path], split: str, without_list: Sequence[str]) -> str:
        """What is there of a layout of which not all is there."""
        if without_list:
            return f"Nearest: {'; '.join(without_list)}. "
        for layout in self.layouts[split]:
            for base in bases:
                missing = layout.missing(base)
                if len(missing) == 1:
                    there = next(
                        name for name in map(_folder, (layout.photographs, layout.masks)) if name not in missing
                    )
                    return f"Nearest: {base / there} is there, {missing[0]} is missing. "
        return ""


def read_lines(index: Path) -> list[str]:
    """The lines of a list, without blank ones: many lists end in one."""
    return [line.strip() for line in index.read_text(encoding="utf-8-sig").splitlines() if line.strip()]


def list_files(split: str, *folders: str) -> tuple[str, ...]:
    """Where lists of a split's ids usually lie, those in ``folders`` first."""
    return tuple(
        f"{folder}/{split}_id.txt" if folder else f"{split}_id.txt" for folder in (*folders, "", "list", "lists")
    )


def _folder(pattern: str) -> str:
    return pattern.rpartition("/")[0]


def _pair(base: Path, layout: Layout, line: str, index: Path | None = None) -> Pair:
    """The pair that a line names: by id, by file name, or by the paths of photograph and mask."""
    words = line.split()
    if index is not None and len(words) > 1 and all("/" in word for word in words[:2]):
        photograph, mask = (base / word.lstrip("/") for word in words[:2])
        return Pair(photograph.stem, photograph, mask)
    name = words[0] if index is not None else line
    for suffix in (".jpg", ".png"):
        name = name.removesuffix(suffix)
    return Pair(name, base / layout.photographs.format(id=name), base / layout.masks.format(id=name))
