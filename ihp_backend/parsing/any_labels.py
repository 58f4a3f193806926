"""A live network: labels are whatever the annotation has, and those that it knows by name bring a prior.

Where the annotation has some of the known labels only, the others are its rivals: each competes under its own name and
becomes background. The background's prior alone would leave a coat to the upper clothes. With hair, face, upper clothes
and pants, 60 photographs of CCP val have 81.5 instead of 69.9 % mIoU after one click on each part. An annotation with a
label that is not known has no rivals but those that are said to be background: that label may be anything, also what
the others are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ihp_backend.clicks import Click
from ihp_backend.labels import LabelSet, map_labels
from ihp_backend.parsing.arrays import PlaceArray, as_they_are
from ihp_backend.parsing.confidence_filter import confident_only
from ihp_backend.parsing.convex_upsampling import ConvexAnswer
from ihp_backend.parsing.engines.base import DecoderInputs, Encoded, LiveEngine
from ihp_backend.parsing.label_network import Network

PLAUSIBLE: Final = 0.5
"""A known label whose prior is nowhere above this is not asked for unless it is clicked or drawn."""


class AnyLabels(Network):
    """Asks a ``LiveEngine``, and only for labels that can be in the photograph.

    Args:
        engine: runs the network.
        known: the labels that the network was trained on.
        labels: those of the annotation, any.
        known_ids: name of a label -> ids of the known labels that become it; None: see ``map_labels``.
        temperature: with which logits become probabilities; None: what it is unsure of is shown like everything else.
    """

    def __init__(
        self,
        engine: LiveEngine,
        known: LabelSet,
        labels: LabelSet,
        known_ids: Mapping[str, Sequence[int]] | None = None,
        temperature: float | None = None,
    ) -> None:
        self._engine, self._temperature = engine, temperature
        self._known = np.zeros((len(labels), len(known)), np.float32)
        ids = map_labels(labels.names, known).ids if known_ids is None else known_ids
        for label, name in enumerate(labels.names):
            for of_model in ids.get(name, ()):
                self._known[label, of_model] = 1
        # Labels of the model for which no label stands are background to this annotation, and compete with the others
        # unless a label that the model does not know stands in the photograph: that may be any of them.
        unused = self._known.sum(0) == 0
        to_background = self._known[0] > 0
        self._known[0, unused] = 1
        self._new = ~self._known.any(1)
        possible = slice(1, 256 - len(labels))  # Their rows follow those of the labels, and are bytes.
        self._rivals, self._rivals_of_new = (
            np.eye(len(known), dtype=np.float32)[possible][rivals[possible]]
            for rivals in (to_background | unused, to_background)
        )

    def encode(self, working: NDArray[np.uint8], place: PlaceArray = as_they_are) -> Encoded:
        """The encoded photograph."""
        return self._engine.encode(working, place)

    def looks(self, features: Encoded, clicks: Sequence[Click]) -> NDArray[np.float32]:
        """In what the clicks (in working pixels) are compared with cells, float32 (n, channels)."""
        places = np.array([(click.y, click.x) for click in clicks], np.int64).reshape(-1, 2)
        return self._engine.looks(features.features, places)

    def knows(self, label: int) -> bool:
        """Whether the network was trained on a label of the annotation."""
        return bool(self._known[label].any())

    def ask(
        self,
        features: Encoded,
        clicks: Sequence[Click],
        previous: NDArray[np.uint8] | None,
        looks: NDArray[np.float32] | None = None,
        needed: NDArray[np.bool_] | None = None,
    ) -> ConvexAnswer:
        """The answer of one run of the decoder, for the labels that are clicked, drawn or plausible.

        Args:
            features, clicks, previous: see ``Network``; clicks in other views lie beyond the edges.
            looks: float32 (n, channels) of the clicks; None: all lie in this view, which says it.
            needed: bool (h, w), cells that anybody looks at; None: all of them.
        """
        height, width = features.shares.shape[:2]
        asked = (self._known * features.strongest).max(1) > PLAUSIBLE
        asked[0] = True
        asked[[click.label for click in clicks if click.positive]] = True
        if previous is not None:
            drawn = np.bincount(previous.ravel(), minlength=256)[: len(asked)] > 0
            asked |= drawn
        competing = self._rivals_of_new if asked[self._new].any() else self._rivals
        rivals = competing[(competing * features.strongest).max(1, initial=0) > PLAUSIBLE]
        labels = np.flatnonzero(asked).astype(np.uint8)
        row = np.zeros(len(asked), np.intp)
        row[labels] = np.arange(len(labels))
        # Kept decodings know rivals by their rows.
        rows = np.concatenate([labels, len(asked) + rivals.argmax(1)]).astype(np.uint8)
        known = np.concatenate([self._known[labels], rivals])
        # At least one click, one without a sign: the network must not get an empty tensor.
        places = np.zeros((max(len(clicks), 1), 2), np.int64)
        own, against = np.zeros((2, len(places), len(rows)), np.float32)
        for number, click in enumerate(clicks):
            places[number] = click.y, click.x
            if asked[click.label]:
                (own if click.positive else against)[number, row[click.label]] = 1
        shares = np.zeros((len(rows), height, width), np.float32)
        if previous is not None:
            for number in np.flatnonzero(drawn[labels]).tolist():
                mask = (previous == labels[number]).astype(np.float32)
                shares[number] = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA)
        looks = looks if len(clicks) else None
        inputs = DecoderInputs(places, own, against, known, shares, looks, needed, rows)
        logits = self._engine.decode(features.features, inputs)
        if len(rivals):
            logits[0] = np.maximum(logits[0], logits[len(labels) :].max(0))
            logits = logits[: len(labels)]
            own, against, shares = own[:, : len(labels)], against[:, : len(labels)], shares[: len(labels)]
            inputs = inputs._replace(
                own=own, against=against, known=self._known[labels], previous=shares, labels=labels
            )
        answer = ConvexAnswer(logits, labels, features.shares)
        return answer if self._temperature is None else confident_only(answer, inputs, self._temperature)
