"""Task sampling: which labels an annotation has, which of them the network knows, and what is drawn already."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ihp_backend.labels import IGNORE
from ihp_backend.learning.sub_parts import without_pieces

LabelMap = NDArray[np.uint8]


@dataclass(frozen=True)
class SampledTask:
    """A training sample seen as the task of some annotation team.

    Attributes:
        labels: intp (L,), the data set's label, or piece of one, behind each label of the annotation; the first is the
            background.
        known: bool (L, number of the data set's labels): which of them each label's prior is made of.
        parsing: uint8 (height, width), the true parsing in labels of the annotation, 255 = ignore.
    """

    labels: NDArray[np.intp]
    known: NDArray[np.bool_]
    parsing: LabelMap


@dataclass(frozen=True)
class TaskSampling:
    """Recipe by which tasks are sampled.

    Attributes:
        unknown: share of samples in which the network knows none of the labels but the background.
        partly_unknown: share of samples in which it knows about half of them.
        left_out: share of samples whose annotation lacks one to three labels of the photograph; they are background.
        others: labels of the annotation that the photograph does not show.
        drawn: share of samples in which part of the parsing is drawn by hand before the first click.
    """

    unknown: float = 0.3
    partly_unknown: float = 0.25
    left_out: float = 0.1
    others: int = 2
    drawn: float = 0.2

    def draw(
        self,
        parsing: LabelMap,
        num_labels: int,
        rng: np.random.Generator,
        *,
        all_known: bool = False,
        asked: Collection[int] | None = None,
    ) -> SampledTask:
        """One sampled task around a photograph's ``parsing`` (uint8 (height, width), 255 = ignore).

        Pieces (``SubPartRecipe``) are labels that nothing is known of; one that the annotation lacks belongs to its
        label again.

        Args:
            num_labels: of the data set, without pieces.
            all_known: whether the network must know every label, as where nobody clicks.
            asked: labels that an annotation may have besides those that are shown; None: all of the data set's.
        """
        shown = np.flatnonzero(np.bincount(parsing.ravel(), minlength=256)[1:IGNORE]) + 1
        if all_known:
            shown = shown[shown < num_labels]
        rng.shuffle(shown)
        if len(shown) > 1 and rng.random() < self.left_out:
            shown = shown[int(rng.integers(1, min(4, len(shown)))) :]
        possible = np.arange(1, num_labels) if asked is None else np.setdiff1d(list(asked), 0)
        absent = np.setdiff1d(possible, parsing)
        labels = np.concatenate([[0], shown, rng.permutation(absent)[: self.others]])
        kind = rng.random()
        chance = 0.0 if kind < self.unknown else 0.5 if kind < self.unknown + self.partly_unknown else 1.0
        if all_known:
            chance = 1.0
        known = np.zeros((len(labels), num_labels), bool)
        named = np.flatnonzero(labels < num_labels)
        known[named, labels[named]] = rng.random(len(labels))[named] < chance
        # Labels of the model for which no label stands are background to this annotation.
        known[0] = ~known[1:].any(0)
        table = np.zeros(256, np.uint8)
        table[labels] = np.arange(len(labels))
        table[IGNORE] = IGNORE
        ids = np.arange(256, dtype=np.uint8)
        whole = np.where(np.isin(ids, labels), ids, without_pieces(ids, num_labels))
        return SampledTask(labels, known, table[whole][parsing])

    def draw_previous(self, parsing: LabelMap, rng: np.random.Generator) -> LabelMap | None:
        """Parsing before the first click: some labels of ``parsing``, more or less exactly, or None.

        Returns:
            uint8 (height, width), 255 where nothing is drawn.
        """
        if rng.random() >= self.drawn:
            return None
        drawn = np.where(rng.random(256) < rng.uniform(0.3, 1), np.arange(256), IGNORE).astype(np.uint8)[parsing]
        if rng.random() < 0.7:  # Drawn with a coarse brush.
            step = int(rng.integers(2, 9))
            small = drawn[step // 2 :: step, step // 2 :: step]
            height, width = drawn.shape
            drawn = cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST).astype(np.uint8)
        if rng.random() < 0.5:  # One label taken for another.
            wrong, right = rng.choice(np.unique(parsing), 2)
            drawn = np.where(drawn == right, wrong, drawn)
        return drawn
