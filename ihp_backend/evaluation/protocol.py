"""The interaction protocol: initial clicks, then one correction per round, everything counted (IHP, IV-B).

Every photograph gets every round; nobody stops early. The paper's figures follow from the sums over photographs.
"""

from __future__ import annotations

import numpy as np

from ihp_backend.datasets import Sample
from ihp_backend.evaluation.annotator import Annotator
from ihp_backend.evaluation.click_parser import ClickParser
from ihp_backend.evaluation.record import Record
from ihp_backend.evaluation.tally import Tally


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
    label_map = parser.parse(scene, clicks).label_map
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
        before = label_map if annotator.last_answer else None
        label_map = parser.parse(scene, [*clicks, click], previous=before).label_map
        tally.answer(click, label_map)
        if round_ == annotator.wrong_click:
            before = label_map if annotator.last_answer else None
            tally.wrong_click_removed(parser.parse(scene, clicks, previous=before).label_map)
        clicks.append(click)
    return tally.record()
