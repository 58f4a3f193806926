"""Named photographs: from files, folders and globs on a command line to photographs and the names of their results."""

from __future__ import annotations

import glob
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import NoReturn

from PIL import Image

from ihp_backend.datasets.folders import is_debris
from ihp_backend.parsing.photograph import FORMATS


class NamesError(ValueError):
    """What was named leads to no photograph; the text says for each name why, and what helps."""


@dataclass(frozen=True)
class NamedPhotograph:
    """A photograph on disk.

    Attributes:
        path: of its file.
        name: its path below the folder that all named photographs share, with slashes.
        stem: ``name`` without the ending, which its results are called by; with the ending where photographs beside it
            differ in nothing else.
    """

    path: Path
    name: str
    stem: str


@dataclass(frozen=True)
class NamedPhotographs:
    """Photographs, each once, in the order in which they were named; those of a folder by name.

    Attributes:
        base: the folder that they share.
        photographs: all of them.
        left_out: ending -> number of files in folders that are no photographs by their ending.
    """

    base: Path
    photographs: tuple[NamedPhotograph, ...]
    left_out: Counter[str]


def find_photographs(named: Sequence[str], out: Path) -> NamedPhotographs:
    """The photographs that are meant by files, folders (with the folders in them) and globs (``**`` for any folders).

    Args:
        named: as typed; a file or folder that is called so comes before a glob.
        out: folder of the results, in which nothing is looked for.

    Raises:
        NamesError: a name that leads to no photograph.
    """
    found: dict[str, Path] = {}
    bases: list[str] = []
    wrong: list[str] = []
    left_out: Counter[str] = Counter()
    for name in named:
        base, matches = _matches(name)
        bases.append(os.path.abspath(base))
        files: list[str] = []
        try:
            for match in matches:
                files += _in_folder(match, out.resolve(), left_out) if os.path.isdir(match) else [match]
        except OSError as error:
            wrong.append(f"photographs: {error.filename!r} cannot be read ({error.strerror}); give this user the right")
            continue
        if not files:
            wrong.append(f"photographs: {_why_none(name, matches, out)}")
        for file in files:
            found.setdefault(os.path.abspath(file), Path(file))
    if wrong:
        raise NamesError("\n".join(wrong))
    return NamedPhotographs(Path(os.path.commonpath(bases)), tuple(_named(found, os.path.commonpath(bases))), left_out)


def _matches(name: str) -> tuple[str, list[str]]:
    """The folder by which what is found is named, and the files and folders that a name means."""
    if os.path.exists(name):
        return name if os.path.isdir(name) else os.path.dirname(name), [name]
    fixed = takewhile(lambda part: glob.escape(part) == part, Path(name).parts)
    return os.path.join("", *fixed), sorted(glob.glob(name, recursive=True))


def _in_folder(folder: str, out: Path, left_out: Counter[str]) -> Iterator[str]:
    """The photographs in a folder and in those in it, by their endings; the endings of other files are counted."""
    for place, folders, names in os.walk(folder, onerror=_raise):
        if Path(place).resolve() == out:
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not is_debris(name))
        for name in sorted(names):
            if is_photograph(name) and os.path.isfile(os.path.join(place, name)):  # A pipe would be waited for.
                yield os.path.join(place, name)
            elif not is_debris(name):
                left_out[os.path.splitext(name)[1].lower() or "no ending"] += 1


def is_photograph(name: str) -> bool:
    """Whether a file is a photograph of a kind that is read, by its ending.

    Examples:
        >>> is_photograph("a.JPG"), is_photograph("a.txt"), is_photograph("._a.jpg")
        (True, False, False)
    """
    ending = os.path.splitext(name)[1].lower()
    return Image.registered_extensions().get(ending) in FORMATS and not is_debris(name)


def _raise(error: OSError) -> NoReturn:
    raise error


def _why_none(name: str, matches: Sequence[str], out: Path) -> str:
    if not matches:
        return f"{name!r} is no file or folder and matches none; correct it"
    if any(Path(match).resolve() == out.resolve() for match in matches):
        return f"{name!r} is the folder of the results, too; give another one with --out"
    return f"{name!r} holds no photographs; give a folder with JPEG, PNG or other picture files in it"


def _named(found: dict[str, Path], base: str) -> Iterator[NamedPhotograph]:
    beside: dict[str, set[str]] = defaultdict(set)
    for place in found:
        beside[os.path.dirname(place)].add(os.path.basename(place))
    # All that lie there count, so that a photograph's results are called alike whichever of them are named.
    alike = {
        folder: Counter(
            called.casefold()
            for name in names.union(filter(is_photograph, os.listdir(folder)))
            for called in {name, os.path.splitext(name)[0]}
        )
        for folder, names in beside.items()
    }
    for place, path in found.items():
        name = Path(os.path.relpath(place, base)).as_posix()
        stem = os.path.splitext(name)[0]
        several = alike[os.path.dirname(place)][os.path.basename(stem).casefold()] > 1
        yield NamedPhotograph(path, name, name if several else stem)
