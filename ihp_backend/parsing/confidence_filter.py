"""Confidence filter: leaves out labels that nobody clicked or drew, and crumbs, where the network is unsure.

Each is one more region for an annotator to throw away. What they lose goes to the next best label of each cell.
"""

from __future__ import annotations

from typing import Final

import cc3d
import numpy as np
from numpy.typing import NDArray

from ihp_backend.labels import ABSENT_LOGIT
from ihp_backend.parsing.convex_upsampling import ConvexAnswer
from ihp_backend.parsing.engines.base import DecoderInputs

THERE: Final = (0.65, 0.9)
"""Mean probability of its own cells from which on a label is shown that is neither clicked nor drawn: where no other
is either, and where all others are. The more of what is there is clicked, the less likely is what is not."""

SURE: Final = 0.6
"""The same for a component in or beside which there is no click of its label and that is not drawn."""

BEHIND: Final = np.float32(5)
"""How far a crumb's label is behind the next best one afterwards: not so far that a click nearby could not have it."""


def confident_only(answer: ConvexAnswer, inputs: DecoderInputs, temperature: float) -> ConvexAnswer:
    """The answer without uncertain labels and crumbs; itself if there are none.

    Args:
        answer: its first row is the background.
        inputs: what was asked, in the answer's rows.
        temperature: the logits are divided by it before they are probabilities.
    """
    asked = np.asarray(inputs.own.any(0) | inputs.previous.any((1, 2)))
    asked[0] = True
    stays, left = _without_labels(answer, asked, temperature)
    if left is not answer:
        inputs = inputs._replace(own=inputs.own[:, stays], previous=inputs.previous[stays])
    return _without_crumbs(left, inputs, temperature)


def _threshold(asked: int, shown: int) -> float:
    """The confidence that a label needs if nobody asked for it and ``asked`` of the ``shown`` labels were asked for."""
    alone, among_asked = THERE
    return alone + (among_asked - alone) * asked / shown


def _without_labels(
    answer: ConvexAnswer, asked: NDArray[np.bool_], temperature: float
) -> tuple[NDArray[np.bool_], ConvexAnswer]:
    """The rows that stay, and the answer with only these.

    The least certain label goes first: without it another may be sure. Labels that are neither asked for nor best
    anywhere go before all others, so that none comes up in place of one that was likelier.
    """
    stays = asked.copy()
    stays[answer.best] = True
    left = answer if stays.all() else answer.only(stays)
    while not asked[stays].all():
        mean = left.confidence(left.cells(temperature), int(left.labels.max()) + 1)[left.labels]
        mean[asked[stays]] = 1
        if mean.min() >= _threshold(int(asked.sum()) - 1, int(stays.sum()) - 1):
            break
        stays[np.flatnonzero(stays)[mean.argmin()]] = False
        left = answer.only(stays)
    return stays, left


def _without_crumbs(answer: ConvexAnswer, inputs: DecoderInputs, temperature: float) -> ConvexAnswer:
    best = answer.best.ravel()
    # The background, row 0, has no components.
    component = cc3d.connected_components(answer.best, connectivity=8).ravel()
    unsure = np.bincount(component, answer.cells(temperature).ravel()) < SURE * np.bincount(component)
    unsure[0] = False
    click, row = np.nonzero(inputs.own * inputs.inside()[:, None])
    around = answer.around(inputs.places[click])
    unsure[component[around][best[around] == row[:, None]]] = False
    crumbs = np.flatnonzero(unsure[component])
    if len(crumbs):
        drawn = inputs.previous.reshape(len(answer.labels), -1)[best[crumbs], crumbs] > 0
        unsure[component[crumbs[drawn]]] = False
        crumbs = np.flatnonzero(unsure[component])
    if not len(crumbs):
        return answer
    logits = answer.logits.reshape(len(answer.labels), -1).copy()
    logits[best[crumbs], crumbs] = ABSENT_LOGIT
    logits[best[crumbs], crumbs] = logits[:, crumbs].max(0) - BEHIND
    return answer.changed(logits, crumbs)
