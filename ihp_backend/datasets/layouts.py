"""Layouts: how a data set's files lie on a disk, found out from the folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ihp_backend.datasets.paired_files import Pair
from ihp_backend.datasets.pairing import Pairing


@dataclass(frozen=True)
class Layout:
    """Places of one split's files, relative to the data set's folder.

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
        """Folders of the layout that ``base`` lacks."""
        return [folder for folder in map(_folder, (self.photographs, self.masks)) if not (base / folder).is_dir()]

    def __str__(self) -> str:
        named = f"{self.photographs} with {self.masks}"
        return f"{named} and {' or '.join(self.lists)}" if self.shared else named


@dataclass(frozen=True)
class Found:
    """The files of one split, and what was assumed to find them, by the option that says otherwise."""

    pairs: Sequence[Pair]
    assumptions: Mapping[str, str]


@dataclass(frozen=True)
class Source:
    """A data set as it circulates.

    Attributes:
        title: its name.
        layouts: for each split the layouts in circulation.
        remedy: where to get it, and what is not usable.
        inner: folders inside which the archive packs everything.
        no_split: why other splits do not exist.
        ids_like: an id of its photographs as an example, where it tells the data set from others.
    """

    title: str
    layouts: Mapping[str, Sequence[Layout]]
    remedy: str
    inner: tuple[str, ...] = ()
    no_split: str = ""
    ids_like: str = ""

    def find(
        self,
        root: Path | str,
        split: str,
        *,
        layout: int | None = None,
        ids: str | None = None,
        exact_names: bool = False,
    ) -> Found:
        """The files of one split.

        Args:
            root: the data set's folder.
            split: which one.
            layout: number of the layout, from 1; None takes the first that the folder has.
            ids: list of the split's ids, below the root, "{split}" stands for the split; "all" takes all masks of the
                folder; None takes the first list that the layout has.
            exact_names: whether only files count whose names are exactly as the layout and the list have them.

        Raises:
            ValueError: the data set has no such split or layout, or a list cannot be read.
            FileNotFoundError: the folder has none of the layouts, or not that list; the text lists what was looked for.
        """
        root = Path(root)
        self.check_split(split)
        check_root(root, self.remedy)
        layouts = self.layouts[split]
        if layout is not None and (type(layout) is not int or not 1 <= layout <= len(layouts)):
            raise ValueError(f"layout: {layout!r} is none; {self.title} has layouts 1 to {len(layouts)}")
        bases = [root, *(root / folder for folder in self.inner)]
        found = [
            (number, base, one)
            for number, one in enumerate(layouts, start=1)
            for base in bases
            if layout in (None, number) and not one.missing(base)
        ]
        without_list = []
        for number, base, one in found:
            lists = _lists(root, base, one, split, ids)
            if not lists and one.shared and ids != "all":
                without_list.append(f"{_folder(one.photographs)} lacks {' or '.join(one.lists)}")
                continue
            pairing = Pairing(base, one.photographs, one.masks, exact=exact_names)
            pairs = pairing.listed(lists[0]) if lists else pairing.all()
            assumptions = pairing.assumptions(lists, one.lists)
            if ids is not None:
                assumptions.pop("ids")
            if layout is None:
                others = [f"number {n}, {o}, in {b}" for n, b, o in found if (n, b) != (number, base)]
                assumptions["layout"] = f"number {number} of {len(layouts)}, {one}, in {base}" + (
                    f"; there, too: {'; '.join(others)}; layout=NUMBER takes another" if others else ""
                )
            if self.ids_like and pairs and not any(_form(pair.id) == _form(self.ids_like) for pair in pairs):
                assumptions["dataset"] = (
                    f"labels are those of {self.title}, whose photographs are named like {self.ids_like} and not like "
                    f"{pairs[0].id}; where they are of another data set, give its name instead"
                )
            return Found(pairs, assumptions)
        raise FileNotFoundError(
            f"root: {root} holds no {split} split of {self.title} in a known layout. Looked for: "
            f"{'; '.join(str(one) for number, one in enumerate(layouts, start=1) if layout in (None, number))}. "
            f"{self._nearest(bases, split, without_list)}{self.remedy[:1].upper()}{self.remedy[1:]}"
        )

    def check_split(self, split: str) -> None:
        """Raises ``ValueError`` for a split that does not exist."""
        if split not in self.layouts:
            reason = f" ({self.no_split})" if self.no_split else ""
            raise ValueError(f"split: {split!r} does not exist; {self.title} has {', '.join(self.layouts)}{reason}")

    def _nearest(self, bases: Sequence[Path], split: str, without_list: Sequence[str]) -> str:
        """The nearest layout, of which a part is there, in words."""
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


def check_root(root: Path, remedy: str) -> None:
    """Raises ``FileNotFoundError`` where a data set's folder is not there at all, or is no folder."""
    if not root.exists():
        raise FileNotFoundError(f"root: {root} is missing; {remedy}")
    if not root.is_dir():
        raise FileNotFoundError(f"root: {root} is a file; unpack it if it is an archive, and {remedy}")


def list_files(split: str, *folders: str) -> tuple[str, ...]:
    """Usual places of the lists of a split's ids, those in ``folders`` first.

    Examples:
        >>> list_files("val", "Validation")
        ('Validation/val_id.txt', 'val_id.txt', 'list/val_id.txt', 'lists/val_id.txt')
    """
    return tuple(
        f"{folder}/{split}_id.txt" if folder else f"{split}_id.txt" for folder in (*folders, "", "list", "lists")
    )


def _lists(root: Path, base: Path, layout: Layout, split: str, ids: str | None) -> list[Path]:
    """The lists that there are, the one that counts first; raises ``FileNotFoundError`` where the named one is not."""
    if ids == "all":
        return []
    if ids is None:
        places = [place / name for place in dict.fromkeys((base, root)) for name in layout.lists]
        return [place for place in places if place.is_file()]
    index = root / str(ids).replace("{split}", split)
    if not index.is_file():
        raise FileNotFoundError(f"ids: {index} is missing; give a list below {root}, or ids=all for all masks")
    return [index]


def _form(name: str) -> str:
    """A name without its digits."""
    return "".join(character for character in name if not character.isdigit())


def _folder(pattern: str) -> str:
    return pattern.rpartition("/")[0]
