"""Material: a project's accepted photographs as a network learns from them and as it is judged on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ihp_backend.datasets import ParsingDataset, Sample
from ihp_backend.labels import IGNORE, LabelSet, match_labels, mirror_pairs
from ihp_backend.learning.trunk_views import WorkingPhotograph
from ihp_backend.lessons.accepted_index import HELD_OUT, LEARNED, Index, Item
from ihp_backend.lessons.accepted_set import AcceptedSet
from ihp_backend.lessons.completion import completed
from ihp_backend.lessons.outlines import without_outlines
from ihp_backend.parsing import Parser
from ihp_backend.parsing.checkpoint import Checkpoint
from ihp_backend.parsing.geometry import to_working_image, to_working_map, working_scale

CHOOSING = 6
"""Every so many photographs that could be learned from, one helps to choose how far to go instead."""


class HeldOut:
    """The photographs that are held out, as a data set; each is read when it is asked for, since they may be large.

    Outlines are left out as far as the network can be off by a pixel of its own, see ``without_outlines``.

    Args:
        accepted, items, labels: the accepted set, which of its items, and its labels.
        parser: see ``gather``.
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
        return replace(sample, parsing=without_outlines(sample.parsing, breadth))

    def parsing(self, index: int) -> NDArray[np.uint8]:
        """Only its parsing; raises ``StorageError``."""
        return self[index].parsing


@dataclass(frozen=True)
class Material:
    """A project's photographs.

    Attributes:
        labels: that the network will know: those it knows, then the project's own.
        asked: ids among them that the project asks for, the background's included.
        own: ids among them that only the project has: their priors are found anew in every lesson.
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


def gather(
    accepted: AcceptedSet,
    index: Index,
    parser: Parser,
    checkpoint: Checkpoint,
    base_labels: LabelSet,
    replayed: ParsingDataset | None = None,
) -> Material:
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
    learned: list[WorkingPhotograph] = []
    for item in index.items:
        if item.split == LEARNED:
            sample = _sample(accepted, item, parser)
            learned.append(_working(replace(sample, id=f"of task {sample.id}"), ids, checkpoint))
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
    choosing = tuple(replace(one, parsing=without_outlines(one.parsing, 1)) for one in apart or learned)
    kept = tuple(one for number, one in enumerate(learned, start=1) if number % CHOOSING)
    asked = tuple(np.unique(ids[: len(index.labels)]).tolist())
    own = tuple(label for label, name in enumerate(labels.names) if name not in base_labels.names)
    return Material(labels, asked, own, kept, tuple(replay), choosing, bool(apart), held_out)


def _working(sample: Sample, ids: NDArray[np.uint8], checkpoint: Checkpoint) -> WorkingPhotograph:
    height, width = sample.parsing.shape
    scale = working_scale(height, width, checkpoint.working_size)
    image = to_working_image(sample.image, scale, checkpoint.multiple_of)
    parsing = ids[to_working_map(sample.parsing, scale, checkpoint.multiple_of)]
    return WorkingPhotograph(image, parsing, sample.id)


def _sample(accepted: AcceptedSet, item: Item, parser: Parser) -> Sample:
    image = accepted.photograph(item)
    expected = parser.parse(parser.open(image), ()).label_map
    return Sample(image, completed(accepted.label_map(item), expected, accepted.unknown(item)), str(item.task))
