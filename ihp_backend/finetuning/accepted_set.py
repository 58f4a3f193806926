"""AcceptedSet: a project's accepted photographs with their label maps, on disk, kept like the annotation store.

Layout below the set's folder:

    index.json       what is in it, and why tasks are left out
    maps/NAME.png    label maps in the ids of ``labels`` in the index, 255 where nothing is drawn; where there are
                     pixels of which nothing is known, these are transparent

A photograph's split depends on its own bytes, so that the same photograph in two tasks, or imported again, never is in
both. Of few photographs a larger share is held out; what was learned from once is never held out again.

Concurrency: one process at a time brings a set up to date; any number may read it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ihp_backend.annotation_store.changes import Annotation
from ihp_backend.annotation_store.store import AnnotationStore
from ihp_backend.finetuning.accepted_index import INDEX, LEARNED, READING, Index, Item, held_out_share, split_of
from ihp_backend.finetuning.photograph_store import PhotographStore
from ihp_backend.finetuning.project_labels import ids_in, images_drawn_on, project_labels, task_config
from ihp_backend.label_studio.annotations.accepted_annotation import (
    AcceptedAnnotation,
    AcceptedError,
    agreed,
    read_accepted,
)
from ihp_backend.label_studio.config.labelling_config import LabellingConfig, parse_labelling_config
from ihp_backend.label_studio.problems import RequestError
from ihp_backend.label_studio.web.image_errors import ImageFetchError
from ihp_backend.labels import LabelSet
from ihp_backend.parsing.photograph import PhotographError, decode_photograph, read_photograph
from ihp_backend.storage.atomic_files import as_json
from ihp_backend.storage.documents import Documents, FolderDocuments
from ihp_backend.storage.storage_error import StorageError

logger = logging.getLogger(__name__)

Policy = Literal["newest", "agreed"]
"""Of several annotators of a photograph the newest counts, or what all drew alike."""

Fetch = Callable[[str, int], bytes]
"""The image file at an address, for a task; raises ``ImageFetchError``."""
PATIENCE = 3
"""Photographs in a row that cannot be fetched; the others wait for the next time then."""

LONGEST_UPDATE = 1800.0
"""Seconds that one who wants to bring a set up to date waits for another."""

LONGEST_ADDRESS = 4096
"""Characters; what is longer holds the photograph itself."""


class AcceptedSet:
    """The accepted set of one project.

    Args:
        folder: of the set; created where it is missing.
        photographs: where image files are kept.
        documents: have the index; by default it is in the folder. Label maps are this machine's, and made again where
            they are missing.
    """

    def __init__(self, folder: Path, photographs: PhotographStore, documents: Documents | None = None) -> None:
        self.folder, self._photographs = folder, photographs
        self._documents = documents or FolderDocuments(folder)

    def read(self) -> Index | None:
        """Index of the set; None if it was never brought up to date.

        Raises:
            StorageError: the index is damaged.
        """
        try:
            text = self._documents.read(INDEX)
            return None if text is None else Index.from_json(json.loads(text))
        except (OSError, KeyError, TypeError, ValueError) as error:
            place = self._documents.place(INDEX)
            raise StorageError(f"accepted: {place} cannot be read ({error}); remove it, it is made again") from None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else brings the set up to date for the time of the block; waits until others are done.

        Raises:
            StorageError: others took longer than ``LONGEST_UPDATE`` seconds.
        """
        until = time.monotonic() + LONGEST_UPDATE
        while True:
            with self._documents.claim() as claim:
                if claim is not None:
                    yield
                    return
            if time.monotonic() > until:
                raise StorageError(
                    f"accepted: {self._documents.place(INDEX)} is being brought up to date by another worker for "
                    f"{LONGEST_UPDATE:.0f} s; try again later"
                )
            time.sleep(0.5)

    def update(self, store: AnnotationStore, project: str, fetch: Fetch, policy: Policy = "newest") -> Index:
        """Makes the set what the annotation store says, decoding only what is new; gives what is in it then.

        Raises:
            StorageError: something cannot be written.
            AcceptedError: the project's labelling config is missing or cannot be read.
        """
        config, text = self._config(store, project)
        try:
            before = self.read()
        except StorageError as error:
            logger.warning("%s", error)
            before = None
        current = store.current(project)
        labels = project_labels(config, current, before.labels if before else None)
        known = {item.task: item for item in before.items} if before else {}
        self._photographs.note_uses(project, [(item.task, item.photograph) for item in known.values()])
        up_to_date = before is not None and before.reading == READING
        items: list[Item] = []
        left_out: dict[int, str] = {}
        unreachable = 0
        for task, made in groupby(current, key=lambda annotation: annotation.task):
            chosen = list(made)
            chosen = chosen[-1:] if policy == "newest" else chosen
            try:
                own = task_config(config, chosen[-1])
            except AcceptedError as error:
                left_out[task] = str(error)
                continue
            stamp = _stamp(text, policy, chosen, ids_in(own, labels))
            item = known.get(task)
            if item is not None and item.stamp != stamp:
                item = None
            if item is None or not up_to_date or not (self.folder / item.map).exists():
                if unreachable >= PATIENCE:
                    left_out[task] = "not fetched, since others could not be; it is tried again next time"
                    continue
                try:
                    item = self._make(project, task, stamp, chosen, own, labels, self._kept_or_fetched(item, fetch))
                    unreachable = 0
                except (AcceptedError, ImageFetchError, PhotographError) as error:
                    left_out[task] = str(error)
                    unreachable += isinstance(error, ImageFetchError)
                    continue
                except StorageError:
                    raise
                except Exception as error:
                    # Whatever was submitted to one task must not cost the others.
                    logger.exception("project %s task %d cannot be read", project, task)
                    left_out[task] = (
                        f"an error of this program ({type(error).__name__}); the worker's log has the details"
                    )
                    continue
            if item is None:
                left_out[task] = "nothing is drawn; clicks and rectangles are prompts and do not count"
            else:
                items.append(item)
        share = held_out_share([item.photograph for item in items])
        # A photograph that was learned from is never held out later, even if others were deleted since.
        share = min(share, before.held_out_share) if before and before.items else share
        items = [replace(item, split=split_of(item.photograph, share)) for item in items]
        index = Index(labels, tuple(items), left_out, share)
        self._keep(index)
        return index

    def forget(self, tasks: Container[int]) -> None:
        """Removes what there is of some tasks; photographs go by ``PhotographStore.forget``.

        Raises:
            StorageError: the index is damaged, or something cannot be removed.
        """
        if (index := self.read()) is not None:
            items = tuple(item for item in index.items if item.task not in tasks)
            left_out = {task: reason for task, reason in index.left_out.items() if task not in tasks}
            self._keep(replace(index, items=items, left_out=left_out))

    def photograph(self, item: Item) -> NDArray[np.uint8]:
        """The photograph of an item, uint8 (height, width, 3), RGB, upright; raises ``StorageError``."""
        try:
            return decode_photograph(self._photographs.read(item.photograph))
        except (StorageError, PhotographError) as error:
            place = self._photographs.place(item.photograph)
            raise StorageError(f"accepted: {place} of task {item.task} cannot be read ({error}); ihp sync") from None

    def label_map(self, item: Item) -> NDArray[np.uint8]:
        """The label map of an item, uint8 (height, width), 255 where nothing is drawn; raises ``StorageError``."""
        return np.array(self._map(item).getchannel(0))

    def unknown(self, item: Item) -> NDArray[np.bool_]:
        """Pixels of an item that are not drawn, but of which nobody knows that they belong to no label.

        Returns:
            bool (height, width).

        Raises:
            StorageError: the label map cannot be read.
        """
        picture = self._map(item)
        if picture.mode != "LA":
            return np.zeros((picture.height, picture.width), bool)
        return np.array(picture.getchannel(1)) == 0

    def _map(self, item: Item) -> Image.Image:
        path = self.folder / item.map
        try:
            with Image.open(path) as picture:
                picture.load()
                return picture
        except OSError as error:
            raise StorageError(f"accepted: {path} of task {item.task} cannot be read ({error}); ihp sync") from None

    def _kept_or_fetched(self, item: Item | None, fetch: Fetch) -> Fetch:
        """The photograph of an item that is made again from the same annotations is the one that is kept."""
        kept = item.photograph if item is not None and self._photographs.has(item.photograph) else None
        return fetch if kept is None else lambda address, task: self._photographs.read(kept)

    def _make(
        self,
        project: str,
        task: int,
        stamp: str,
        chosen: Sequence[Annotation],
        config: LabellingConfig,
        labels: LabelSet,
        fetch: Fetch,
    ) -> Item | None:
        drawn_on = {target.to_name for target in config.targets}
        able = [tag for tag in config.images if tag.name in drawn_on]
        drawn = images_drawn_on(chosen)
        image = next((tag for tag in able if tag.name in drawn), able[0])
        notes = [str(RequestError(problem)) for problem in config.problems]
        try:
            read = [read_accepted(annotation, config, image, labels) for annotation in chosen]
        except AcceptedError as error:
            raise AcceptedError("; ".join([str(error), *notes])) from None
        works: list[AcceptedAnnotation] = [work for work in read if work is not None]
        if not works:
            return None
        label_map, unknown = agreed(works)
        data = fetch(works[-1].address, task)
        photograph = read_photograph(data)
        height, width = photograph.pixels.shape[:2]
        notes += [f"photograph: {note}" for note in photograph.notes]
        other = photograph.other_orientation((label_map.shape[0], label_map.shape[1]))
        if other is not None:
            label_map = photograph.upright(label_map, other)
            unknown = photograph.upright(unknown.astype(np.uint8), other).astype(bool)
            notes.append(
                f"annotation {works[-1].annotation}: drawn on {height} x {width} pixels, the photograph is {width} x "
                f"{height} as browsers turn it; what is drawn was turned likewise"
            )
            logger.warning("task %d: %s", task, notes[-1])
        if label_map.shape != (height, width):
            raise AcceptedError(
                f"annotation {works[-1].annotation}: drawn on {label_map.shape[1]} x {label_map.shape[0]} pixels, the "
                f"photograph has {width} x {height}; was it replaced? Draw task {task} again"
            )
        digest = self._photographs.put(data, project, task)
        name = f"maps/{task}-{stamp}.png"
        try:
            (self.folder / "maps").mkdir(parents=True, exist_ok=True)
            picture = np.dstack([label_map, np.where(unknown, 0, 255).astype(np.uint8)]) if unknown.any() else label_map
            Image.fromarray(picture).save(self.folder / name)
        except OSError as error:
            raise StorageError.about("accepted", self.folder / name, "cannot be written", error) from error
        seconds = [work.seconds for work in works if work.seconds is not None]
        clicks = [work.clicks for work in works if work.clicks is not None]
        return Item(
            task=task,
            stamp=stamp,
            photograph=digest,
            split=LEARNED,  # Settled when all are known.
            map=name,
            annotations=tuple(work.annotation for work in works),
            seconds=sum(seconds) if seconds else None,
            clicks=sum(clicks) if clicks else None,
            model_version=works[-1].model_version,
            untouched=works[-1].untouched,
            notes=(*notes, *(note for work in works for note in work.left_out)),
            address=works[-1].address if len(works[-1].address) < LONGEST_ADDRESS else "data:",
            shares=_shares(label_map, labels),
        )

    def _keep(self, index: Index) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._documents.write(INDEX, as_json(index.to_json()))
            # Only now: until the new index was there, the old one needed its maps.
            needed = {item.map for item in index.items}
            for file in (self.folder / "maps").glob("*.png"):
                if f"maps/{file.name}" not in needed:
                    file.unlink()
        except OSError as error:
            raise StorageError.about("accepted", self.folder, "cannot be written", error) from error

    @staticmethod
    def _config(store: AnnotationStore, project: str) -> tuple[LabellingConfig, str]:
        text = store.config(project)
        if text is None:
            raise AcceptedError(f"project {project}: its labelling config is not known; ihp sync {project}")
        try:
            return parse_labelling_config(text), text
        except RequestError as error:
            raise AcceptedError(f"project {project}: {error.problem.remedy}") from None


def _shares(label_map: NDArray[np.uint8], labels: LabelSet) -> dict[str, float]:
    """Share of the photograph that each drawn label has, by name."""
    pixels = np.bincount(label_map.ravel(), minlength=256)
    return {name: int(count) / label_map.size for name, count in zip(labels.names, pixels, strict=False) if count}


def _stamp(config: str, policy: str, annotations: Sequence[Annotation], ids: Sequence[str]) -> str:
    """Stamp of everything that a label map depends on."""
    parts = [config, policy, *ids, *(f"{annotation.id} {annotation.updated!r}" for annotation in annotations)]
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]
