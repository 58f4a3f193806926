"""The interaction protocol: initial clicks, then one correction per round, everything counted (IHP, IV-B).

Every photograph gets every round; nobody stops early. The paper's figures follow from the sums over photographs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ihp_backend.clicks import Click
from ihp_backend.datasets import Sample
from ihp_backend.evaluation.annotator import Annotator
from ihp_backend.evaluation.click_parser import ClickParser
from ihp_backend.evaluation.record import Record
from ihp_backend.evaluation.tally import Tally
from ihp_backend.parsing.despeckle import despeckle
from ihp_backend.parsing.last_answer import LastAnswer


class ServedParser:
    """A parser and a photograph, asked as annotators' clicks are: each answer knows the one before and has no specks.

    Args:
        parser: what answers.
        scene: the photograph.
        last_answer: False forgets every answer, for comparison.
    """

    def __init__(self, parser: ClickParser, scene: Any, *, last_answer: bool = True) -> None:
        self._parser, self._scene, self._remembers = parser, scene, last_answer
        self._last: LastAnswer | None = None

    def answer(self, clicks: Sequence[Click]) -> NDArray[np.uint8]:
        """The label map with all clicks, oldest first."""
        parse = self._parser.parse(self._scene, clicks, last=self._last)
        self._last = LastAnswer.of(parse, clicks) if self._remembers else None
        label_map = parse.label_map.copy()
        despeckle(label_map, clicks)
        return label_map


def annotate(parser: ClickParser, sample: Sample, annotator: Annotator, seed: int, index: int) -> Record:
    """Annotates one photograph by simulation.

    Args:
        parser: what is measured.
        sample: the photograph with its true parsing, in the label set that the parser speaks.
        annotator: how it clicks.
        seed, index: the clicks depend on them and on the parser's answers alone.

    Raises:
        ValueError: an id that is no label, or an answer of another size than the photograph.
    """
    parsing, num_labels = sample.parsing, len(parser.labels)
    rng, hand = np.random.default_rng([seed, index]), np.random.default_rng([seed, index, 1])
    clicks = annotator.initial_clicks(parsing, rng, hand)
    scene = parser.open(sample.image)
    served = ServedParser(parser, scene, last_answer=annotator.last_answer)
    label_map = served.answer(clicks)
    tally = Tally(parsing, num_labels, clicks, label_map)
    for round_ in range(1, annotator.corrections + 1):
        click = annotator.correction(parsing, label_map, rng, hand, clicks)
        if click is None:
            tally.nothing_to_correct()
            if round_ == annotator.wrong_click:
                tally.wrong_click_removed(label_map)
            continue
        if round_ == annotator.wrong_click:
            click = annotator.mislabelled(click, hand, num_labels)
        label_map = served.answer([*clicks, click])
        tally.answer(click, label_map)
        if round_ == annotator.wrong_click:
            tally.wrong_click_removed(served.answer(clicks))
        clicks.append(click)
    return tally.record()
