"""TrainingSet: a project's accepted photographs, from which a network learns and on which it is judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ihp_backend.datasets import ParsingDataset, Sample
from ihp_backend.finetuning.accepted_index import HELD_OUT, LEARNED, Index, Item
from ihp_backend.finetuning.accepted_set import AcceptedSet
from ihp_backend.finetuning.feature_views import WorkingPhotograph
from ihp_backend.labels import IGNORE, LabelSet, match_labels, mirror_pairs
from ihp_backend.parsing import Parser, Scene
from ihp_backend.parsing.checkpoint import Checkpoint
from ihp_backend.parsing.geometry import to_working_image, to_working_map, working_scale

CHOOSING = 6
"""Every so many photographs that could be learned from, one helps to choose how far to go instead."""


class HeldOut:
    """The photographs that are held out, as a data set; each is read when it is asked for, since they may be large.

    Outlines are left out as far as the network can be off by a pixel of its own, see ``ignore_boundaries``.

    Args:
        accepted, items, labels: the accepted set, which of its items, and its labels.
        parser: see ``make_training_set``.
        working_size: of the model, longer side in pixels.
    """

    def __init__(
        self, accepted: AcceptedSet, items: Sequence[Item], labels: LabelSet, parser: Parser, working_size: int
    ) -> None:
        self._accepted, self._items, self._parser, self._working_size = accepted, items, parser, working_size
        self.labels, self.ids = labels, [str(item.task) for item in items]

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> Sample:
        """The sample at ``index``; raises ``StorageError``."""
        sample = _sample(self._accepted, self._items[index], self._parser)
        height, width = sample.parsing.shape
        breadth = max(round(1 / working_scale(height, width, self._working_size)), 1)
        return replace(sample, parsing=ignore_boundaries(sample.parsing, breadth))

    def parsing(self, index: int) -> NDArray[np.uint8]:
        """The parsing alone; raises ``StorageError``."""
        return self[index].parsing


@dataclass(frozen=True)
class TrainingSet:
    """A project's photographs.

    Attributes:
        labels: that the network will know: those it knows, then the project's own.
        asked: ids among them that the project asks for, the background's included.
        own: ids among them that only the project has: their priors are found anew in every fine-tuning job.
        learned: to learn from.
        replay: to learn from besides, so that what was known is not forgotten.
        choosing: to choose among states of the network; outlines are left out, as of those that are held out.
        set_apart: whether these are not among those that are learned from, as is so unless there are too few.
        held_out: for the gate, in the labelling config's ids.
    """

    labels: LabelSet
    asked: tuple[int, ...]
    own: tuple[int, ...]
    learned: tuple[WorkingPhotograph, ...]
    replay: tuple[WorkingPhotograph, ...]
    choosing: tuple[WorkingPhotograph, ...]
    set_apart: bool
    held_out: HeldOut


def joined_labels(known: LabelSet, project: LabelSet) -> tuple[LabelSet, NDArray[np.uint8]]:
    """The known labels and after them those of a project that are new, and the id of each of the project's among them.

    Raises:
        ValueError: together they are more than a label map can hold.
    """
    match = match_labels(project.names[1:], known)
    new = [name for name in project.names[1:] if name not in match.ids]
    names = (*known.names, *new)
    # What the model knows keeps its pairs; the new ones have those that their names say.
    paired = {label for pair in known.flip_pairs for label in pair}
    pairs = [pair for pair in mirror_pairs(names) if not paired & set(pair)]
    labels = LabelSet(names, (*known.flip_pairs, *pairs))
    ids = np.full(256, IGNORE, np.uint8)
    ids[0] = 0
    for label, name in enumerate(project.names[1:], start=1):
        ids[label] = match.ids[name] if name in match.ids else names.index(name)
    return labels, ids


def make_training_set(
    accepted: AcceptedSet,
    index: Index,
    parser: Parser,
    checkpoint: Checkpoint,
    base_labels: LabelSet,
    replayed: ParsingDataset | None = None,
) -> TrainingSet:
    """Reads a project's photographs.

    Args:
        accepted, index: the project's set and what is in it.
        parser: the model in service, in the project's labels; says what it expects where nothing is drawn.
        checkpoint: of that model.
        base_labels: what the base model knows.
        replayed: what the model was trained on before.

    Raises:
        StorageError: a photograph or a label map that cannot be read.
        ValueError: too many labels.
    """
    labels, ids = joined_labels(checkpoint.labels, index.labels)
    learned = [_views(accepted, item, parser, ids, checkpoint) for item in index.items if item.split == LEARNED]
    replay: list[WorkingPhotograph] = []
    if replayed is not None:
        # A label of this data that the model does not know by name is no part of what it could forget.
        match = match_labels(replayed.labels.names, labels)
        of_base = np.full(256, IGNORE, np.uint8)
        for name, label in match.ids.items():
            of_base[replayed.labels.id_of(name)] = label
        replay = [_working(replayed[number], of_base, checkpoint) for number in range(len(replayed))]
    items = [item for item in index.items if item.split == HELD_OUT]
    held_out = HeldOut(accepted, items, index.labels, parser, checkpoint.working_size)
    apart = learned[CHOOSING - 1 :: CHOOSING]
    choosing = tuple(
        replace(one, parsing=ignore_boundaries(one.parsing, 1)) for views in apart or learned for one in views
    )
    kept = tuple(one for number, views in enumerate(learned, start=1) if number % CHOOSING for one in views)
    asked = tuple(np.unique(ids[: len(index.labels)]).tolist())
    own = tuple(label for label, name in enumerate(labels.names) if name not in base_labels.names)
    return TrainingSet(labels, asked, own, kept, tuple(replay), choosing, bool(apart), held_out)


def _working(sample: Sample, ids: NDArray[np.uint8], checkpoint: Checkpoint) -> WorkingPhotograph:
    height, width = sample.parsing.shape
    scale = working_scale(height, width, checkpoint.working_size)
    image = to_working_image(sample.image, scale, checkpoint.multiple_of)
    parsing = ids[to_working_map(sample.parsing, scale, checkpoint.multiple_of)]
    return WorkingPhotograph(image, parsing, sample.id)


def _views(
    accepted: AcceptedSet, item: Item, parser: Parser, ids: NDArray[np.uint8], checkpoint: Checkpoint
) -> list[WorkingPhotograph]:
    """A photograph as the network meets it in service: the overview, and the windows around small people."""
    image = accepted.photograph(item)
    scene = parser.open(image)
    sample = _completed(accepted, item, parser, image, scene)
    views = [_working(replace(sample, id=f"of task {sample.id}"), ids, checkpoint)]
    for number, box in enumerate(scene.windows.hinted if scene.windows else ()):
        assert scene.windows is not None
        part = sample.parsing[box.top : box.bottom, box.left : box.right]
        parsing = ids[to_working_map(part, scene.windows.scale_of(box), checkpoint.multiple_of)]
        name = f"of task {sample.id}, window {number}"
        views.append(WorkingPhotograph(scene.windows.working_image(box), parsing, name))
    return views


def _sample(accepted: AcceptedSet, item: Item, parser: Parser) -> Sample:
    image = accepted.photograph(item)
    return _completed(accepted, item, parser, image, parser.open(image))


def _completed(accepted: AcceptedSet, item: Item, parser: Parser, image: NDArray[np.uint8], scene: Scene) -> Sample:
    """A photograph with what was accepted on it, and background where nothing was meant to be drawn."""
    expected = parser.parse(scene, ()).label_map
    return Sample(image, fill_undrawn(accepted.label_map(item), expected, accepted.unknown(item)), str(item.task))


NOTICEABLE = 0.01
"""Share of a photograph from which on a part that a parser sees there would not have been overlooked."""


def fill_undrawn(
    label_map: NDArray[np.uint8], expected: NDArray[np.uint8], unknown: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """Lets undrawn pixels be background, but for parts that seem to have been left out.

    Those are undrawn pixels in which a part of a noticeable size is expected under a label that was not drawn at all:
    it may have been left out on purpose, or overlooked. Where a label was drawn, it was drawn as far as it goes: what
    is expected of it beyond that is a mistake of the parser, and worth more than anything else to learn from.

    Args:
        label_map: uint8 (height, width), 255 where nothing is drawn.
        expected: uint8 (height, width), what a parser sees without clicks, in the same ids.
        unknown: bool (height, width), undrawn pixels that stay as they are.

    Returns:
        The label map with background where it is meant.
    """
    undrawn = label_map == IGNORE
    drawn = np.bincount(label_map.ravel(), minlength=256) > 0
    left_out = (np.bincount(expected[undrawn], minlength=256) >= NOTICEABLE * expected.size) & ~drawn
    left_out[0] = False
    return np.where(undrawn & ~unknown & ~left_out[expected], 0, label_map).astype(np.uint8)


LEAST_INSIDE = 0.3
"""Share of a label's pixels that must lie off its outline; of what is thinner nothing would be left to judge by."""


def ignore_boundaries(label_map: NDArray[np.uint8], breadth: int) -> NDArray[np.uint8]:
    """A label map in which pixels near an outline are ignored, but for those of labels that are hardly more than that.

    Args:
        label_map: uint8 (height, width), 255 where nothing is drawn.
        breadth: pixels on both sides of an outline.
    """
    window = np.ones((2 * breadth + 1, 2 * breadth + 1), np.uint8)
    outline = cv2.morphologyEx(label_map, cv2.MORPH_GRADIENT, window) > 0
    inside = np.where(outline, IGNORE, label_map).astype(np.uint8)
    drawn, left = (np.bincount(pixels.ravel(), minlength=256) for pixels in (label_map, inside))
    thin = left < LEAST_INSIDE * drawn
    return np.where(thin[label_map], label_map, inside).astype(np.uint8)
