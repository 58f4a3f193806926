"""VersionStore: a project's model versions, which one serves, and the way back.

Layout below the store's folder:

    PROJECT/VERSION/            a model folder, its gate report and data manifest
    PROJECT/VERSION.sums.json   SHA-256 of every file in it as it was made
    PROJECT/promotions.json     every promotion, the last one serves

A version is made in a hidden folder, brought to disk and renamed into place; a promotion replaces one small document,
which is in a database where several machines serve. So a kill at any point leaves either what was or what shall be.
``tidy`` removes what was left half-made.

Where machines share storage that is no folder, it has the same layout below an address, and a version is there once its
sums are; the folder has this machine's copies of versions that serve here, without what names photographs.

Concurrency: any number of processes may read. Promotions and removals have a project to themselves, one at a time.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from ihp_backend.model_registry.promotions import (
    PROMOTIONS,
    ROLLBACK,
    Promotion,
    add_promotion,
    read_promotions,
    way_back,
)
from ihp_backend.storage.atomic_files import as_json, sync_files, sync_folder, write_json, write_whole
from ihp_backend.storage.documents import Documents, FolderDocuments, Texts
from ihp_backend.storage.files import Files, FolderFiles
from ihp_backend.storage.places import Places
from ihp_backend.storage.storage_error import StorageError

MODELS = "models"
"""The store's folder in a data folder."""

SUMS = ".sums.json"
"""Ends the name of the file with a version's sums."""

_HALF_MADE = ".half-made-"
_COPYING = ".copying"
"""Folder in a project's, in which copies of versions are made."""

_REMEDY = "go back with ihp models rollback {} and train again"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""What a project's or a version's name may be: one of a folder, and nothing that leads elsewhere."""


class VersionStore:
    """The versions of all projects below one folder, which is created where it is missing.

    Args:
        root: the folder.
        documents: a project's, which have its promotions; by default they are in its folder.
        remote: a project's files where all machines share them; None: they are in the folder.

    Raises:
        StorageError: here and from every method: something cannot be read or written, or a version does not exist or is
            damaged.
    """

    def __init__(
        self,
        root: Path,
        documents: Callable[[str], Documents] | None = None,
        remote: Callable[[str], Files | None] = lambda _: None,
    ) -> None:
        self.root, self._remote = root, remote
        self._documents = documents or (lambda project: FolderDocuments(root / project))
        with self._errors(root, "cannot be created"):
            root.mkdir(parents=True, exist_ok=True)

    def folder(self, project: str, version: str | None = None) -> Path:
        """The folder of a project, or of one of its versions."""
        for name in (project, *([version] if version is not None else [])):
            if not NAME.fullmatch(name):
                raise StorageError(f"version: {name!r} is no name of a project or version")
        return self.root / project / version if version is not None else self.root / project

    @contextmanager
    def making(self, project: str, version: str) -> Iterator[Path]:
        """An empty folder to fill, which is the version after the block and gone if it raises."""
        home = self.folder(project)
        place = self.folder(project, version)
        with self._errors(place, "cannot be written"):
            home.mkdir(parents=True, exist_ok=True)
            if place.exists() or version in self.versions(project):
                raise StorageError(f"version: {place} exists already; give the new one another name")
            half_made = Path(mkdtemp(prefix=_HALF_MADE, dir=home))
            try:
                yield half_made
                sync_files(half_made)
                sums = _sums(half_made)
                if remote := self._remote(project):
                    for name in sums:
                        remote.write(f"{version}/{name}", (half_made / name).read_bytes())
                    remote.write(f"{version}{SUMS}", as_json(sums).encode())
                # Before the folder: a version without its sums is damaged, sums without a version are nothing.
                write_json(home / f"{version}{SUMS}", sums)
                half_made.rename(place)
                sync_folder(home)
            except BaseException:
                shutil.rmtree(half_made, ignore_errors=True)
                raise

    def check(self, project: str, version: str) -> Path:
        """The folder of a version that exists and is whole.

        Its pictures and its manifest may have changed: they do not serve, and what they say of deleted tasks goes.
        """
        place = self.folder(project, version)
        if remote := self._remote(project):
            self._copy(remote, project, version)
        if not place.is_dir():
            raise StorageError(f"version: project {project} has no version {version}; see ihp models list")
        with self._errors(place, "cannot be read"):
            wanted = self._wanted(place, project)
            found = _sums(place)
        for name in sorted({*wanted, *found}):
            if _serves(name) and wanted.get(name) != found.get(name):
                raise StorageError(f"version: {place / name} is not as it was made; {_REMEDY.format(project)}")
        return place

    def read(self, project: str, version: str, name: str) -> bytes | None:
        """A file of a version, such as its ``GATE``, wherever it was made; None: there is none."""
        return self._files(project).read(f"{self.folder(project, version).name}/{name}")

    def write(self, project: str, version: str, name: str, content: bytes) -> None:
        """Replaces a file of a version that does not serve, such as its ``MANIFEST``."""
        self._files(project).write(f"{version}/{name}", content)

    def remove(self, project: str, version: str, name: str) -> None:
        """Removes a file of a version that does not serve, on this machine and where all share it."""
        self._files(project).remove(f"{version}/{name}")
        with self._errors(self.folder(project, version), "cannot be removed"):
            (self.folder(project, version) / name).unlink(missing_ok=True)

    def pictures(self, project: str, version: str) -> list[str]:
        """Names of the files in a version's ``PICTURES``, in order."""
        found = self._files(project).modified(f"{self.folder(project, version).name}/{PICTURES}")
        return sorted(name.partition("/")[2] for name in found if name.endswith(".jpg"))

    def report(self, project: str, version: str, name: str) -> dict[str, object]:
        """``GATE`` or ``MANIFEST`` of a version; empty for what is missing or no JSON object."""
        try:
            found = json.loads(self.read(project, version, name) or b"")
        except (StorageError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def promote(self, project: str, version: str, reason: str) -> None:
        """Lets a version serve, once it is found whole."""
        self.check(project, version)
        with self._alone(project) as texts:
            add_promotion(texts, version, reason)

    def rollback(self, project: str) -> str | None:
        """Goes back to the version that served before the present one; gives its name, None for the base model.

        Going back twice goes back two versions: what was gone back from is not gone back to.
        """
        with self._alone(project) as texts:
            way = way_back(read_promotions(texts))
            if not way:
                raise StorageError(f"version: project {project} is served by the base model; nothing was before it")
            before = way[-2] if len(way) > 1 else ""
            if before:
                self.check(project, before)
            add_promotion(texts, before, ROLLBACK)
        return before or None

    def current(self, project: str) -> str | None:
        """The version that serves; None: the base model."""
        promotions = self.promotions(project)
        return promotions[-1].version or None if promotions else None

    def promotions(self, project: str) -> list[Promotion]:
        """The promotions of a project, oldest first."""
        self.folder(project)  # Refuses what is no name.
        return read_promotions(self._documents(project))

    def stamp(self, project: str) -> Hashable | None:
        """Differs whenever another version serves; None before the first promotion."""
        if not NAME.fullmatch(project):
            return None
        with self._errors(self.folder(project), "cannot be read"):
            return self._documents(project).stamp(PROMOTIONS)

    def versions(self, project: str) -> list[str]:
        """The whole versions by name, oldest first."""
        home = self.folder(project)
        if remote := self._remote(project):
            written = {
                name: when for name, when in remote.modified().items() if name.endswith(SUMS) and "/" not in name
            }
            return [name.removesuffix(SUMS) for name in sorted(written, key=lambda name: (written[name], name))]
        if not home.is_dir():
            return []
        found = [place for place in home.iterdir() if place.is_dir() and not place.name.startswith(".")]
        return [place.name for place in sorted(found, key=lambda place: (_made(place), place.name))]

    def prune(self, project: str, keep: int) -> list[str]:
        """Removes all but the newest ``keep`` versions, never the one that serves nor the one before it."""
        with self._alone(project) as texts:
            needed = set(way_back(read_promotions(texts))[-2:])
            spare = [version for version in self.versions(project) if version not in needed]
            going = spare[: max(len(spare) - keep, 0)]
            for version in going:
                self.drop(project, version)
        return going

    def drop(self, project: str, version: str) -> None:
        """Removes a version, whether it serves or not."""
        if remote := self._remote(project):
            # Its sums first, so that nobody ever meets half of it.
            remote.remove(f"{version}{SUMS}")
            for name in remote.modified(version):
                remote.remove(name)
        self._remove_folder(project, version)

    def tidy(self, project: str) -> None:
        """Removes what killed processes left half-made; only while nothing of the project is being made."""
        for left in self.folder(project).glob(f"{_HALF_MADE}*"):
            shutil.rmtree(left, ignore_errors=True)
        if remote := self._remote(project):
            whole = self.versions(project)
            for name in remote.modified():
                if "/" in name and name.partition("/")[0] not in whole:
                    remote.remove(name)

    def _remove_folder(self, project: str, version: str) -> None:
        place = self.folder(project, version)
        with self._errors(place, "cannot be removed"):
            # Renamed first, so that nobody ever meets half of it.
            hidden = place.with_name(f"{_HALF_MADE}{version}")
            if place.exists():
                place.rename(hidden)
                shutil.rmtree(hidden)
            place.with_name(f"{version}{SUMS}").unlink(missing_ok=True)

    def _files(self, project: str) -> Files:
        return self._remote(project) or FolderFiles(self.folder(project), "version")

    def _wanted(self, place: Path, project: str) -> dict[str, str]:
        """The sums of a version's files as they were made."""
        sums = place.with_name(f"{place.name}{SUMS}")
        try:
            return dict(json.loads(sums.read_text()))
        except (FileNotFoundError, ValueError) as error:
            raise StorageError(f"version: {sums} is no list of sums ({error}); {_REMEDY.format(project)}") from None

    def _copy(self, remote: Files, project: str, version: str) -> None:
        """Has this machine's copy of a version as it is where all share it; a copy that is damaged is made again."""
        place, text = self.folder(project, version), remote.read(f"{version}{SUMS}")
        if text is None:
            self._remove_folder(project, version)
            return
        try:
            wanted = {name: summed for name, summed in json.loads(text).items() if _serves(name)}
        except (ValueError, AttributeError) as error:
            kept = remote.place(f"{version}{SUMS}")
            raise StorageError(f"version: {kept} is no list of sums ({error}); {_REMEDY.format(project)}") from None
        apart = place.parent / _COPYING
        with self._errors(place, "cannot be copied"), FolderDocuments(apart).alone():
            write_whole(place.with_name(f"{version}{SUMS}"), text)
            if place.is_dir() and {name: summed for name, summed in _sums(place).items() if _serves(name)} == wanted:
                return
            for left in apart.glob(f"{_HALF_MADE}*"):
                shutil.rmtree(left)
            half_made = Path(mkdtemp(prefix=_HALF_MADE, dir=apart))
            for name, summed in wanted.items():
                content = remote.read(f"{version}/{name}")
                if content is None or hashlib.sha256(content).hexdigest() != summed:
                    kept = remote.place(f"{version}/{name}")
                    raise StorageError(f"version: {kept} is not as it was made; {_REMEDY.format(project)}")
                file = half_made / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            if place.is_dir():
                shutil.rmtree(place)
            half_made.rename(place)

    @contextmanager
    def _alone(self, project: str) -> Iterator[Texts]:
        with self._errors(self.folder(project), "cannot be locked"), self._documents(project).alone() as texts:
            yield texts

    @contextmanager
    def _errors(self, path: Path, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError.about("version", path, what, error) from error


def open_versions(places: Places) -> VersionStore:
    """The versions of all projects, where places says; raises ``StorageError``."""
    return VersionStore(
        places.folder(MODELS),
        lambda project: places.documents(MODELS, project),
        lambda project: places.remote("version", MODELS, project),
    )


def _made(place: Path) -> float:
    """When a version was made: its folder changes with its manifest and its pictures, its sums do not."""
    try:
        return place.with_name(f"{place.name}{SUMS}").stat().st_mtime
    except FileNotFoundError:
        return place.stat().st_mtime


def _serves(name: str) -> bool:
    """Whether a version's file is needed to serve it; the others name photographs, and may change."""
    return name != MANIFEST and not name.startswith(f"{PICTURES}/")


def _sums(folder: Path) -> dict[str, str]:
    """SHA-256 by path of every file below a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


GATE = "gate.json"
"""What the gate says."""

MANIFEST = "manifest.json"
"""What the version was made of."""

LOSSES = "losses.csv"
"""Losses of the fine-tuning job, step by step; one that was resumed has some steps twice."""

CHECKPOINTS = "*training-*.pt*"
"""In a fine-tuning job's own folder, while it is under way: where it can go on; half written ones, too."""

PICTURES = "pictures"
"""Folder of photographs parsed before and after."""
