"""Model comparison: two models annotate the same photographs, for the gate and for people to look at."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ihp_backend.clicks import Click
from ihp_backend.datasets import ParsingDataset, Sample
from ihp_backend.evaluation import Annotator, Record, annotate
from ihp_backend.evaluation.confusion import mean_iou
from ihp_backend.evaluation.drawing import draw_parsing, side_by_side
from ihp_backend.parsing import Parser

ANNOTATOR = Annotator(corrections=10, last_answer=False)
"""As the server works: it does not give a model its last answer."""

NOBODY = Annotator(corrections=0, start="nothing", last_answer=False)
"""Clicks nothing: what a photograph is pre-annotated with."""

WARM_UP, LEAST_TIMED, MOST_TIMED = 2, 9, 60
"""Clicks of each model that are made to warm up, and that are timed at least and at most."""


class Stopped(Exception):
    """Somebody asked for the end of it."""


def both(
    before: Parser,
    after: Parser,
    samples: ParsingDataset,
    going_on: Callable[[int], bool],
    annotator: Annotator = ANNOTATOR,
    seed: int = 0,
) -> tuple[list[Record], list[Record]]:
    """The records of both models, photograph by photograph.

    Args:
        before, after: in the labels of the samples.
        samples: photographs with their parsings.
        going_on: is told the number of photographs done; False ends the comparison.
        annotator: how it clicks.
        seed: of the annotator.

    Raises:
        Stopped: ``going_on`` said so.
    """
    records: tuple[list[Record], list[Record]] = ([], [])
    for index in range(len(samples)):
        sample = samples[index]
        for parser, kept in zip((before, after), records, strict=True):
            kept.append(annotate(parser, sample, annotator, seed, index))
        if not going_on(index + 1):
            raise Stopped
    return records


def first_clicks(sample: Sample) -> list[Click]:
    """Initial clicks on a photograph, the same ones each time."""
    return ANNOTATOR.initial_clicks(sample.parsing, np.random.default_rng(0), np.random.default_rng(1))


def click_times(before: Parser, after: Parser, sample: Sample, slower: float) -> tuple[float, float]:
    """Milliseconds of a click of both models, made in turn: the shortest ones, or the median ones.

    What else runs only adds to a click, so the shortest ones are the fairest; but on a busy machine, where one in many
    clicks is left alone, they are a matter of luck, and the medians are fairer. Those are taken that speak for the
    second model, which is timed until it is no more than ``slower`` times as slow as the first one, or long enough to
    say that it is. Both are asked as if they knew no label by name: what a model knows more than the other it also has
    to look for.
    """
    parsers = [parser.with_labels(parser.labels, {}) for parser in (before, after)]
    scenes = [parser.open(sample.image) for parser in parsers]
    clicks = first_clicks(sample)

    def milliseconds(number: int) -> float:
        began = time.perf_counter()
        parsers[number].parse(scenes[number], clicks)
        return (time.perf_counter() - began) * 1000

    for number in (0, 1) * WARM_UP:
        milliseconds(number)
    made: list[tuple[float, float]] = []
    while True:
        made.append((milliseconds(0), milliseconds(1)))
        first, second = min((np.min(made, 0), np.median(made, 0)), key=lambda of_both: of_both[1] / of_both[0]).tolist()
        if len(made) == MOST_TIMED or (len(made) >= LEAST_TIMED and second <= slower * first):
            return first, second


def most_changed(before: Sequence[Record], after: Sequence[Record], count: int) -> list[int]:
    """The photographs whose answers to the first clicks became better or worse most."""
    change = [
        abs(mean_iou(new.confusions[0]) - mean_iou(old.confusions[0]))
        for old, new in zip(before, after, strict=True)
    ]  # fmt: skip
    return sorted(range(len(change)), key=lambda index: -change[index])[:count]


HEIGHT = 360
"""Pixels of a picture."""


def draw_change(before: Parser, after: Parser, sample: Sample, file: Path) -> None:
    """Writes a JPEG: the accepted parsing, and both models' answers to the first clicks on it.

    Raises:
        OSError: the file cannot be written.
    """
    clicks = first_clicks(sample)
    drawn = [draw_parsing(sample.image, sample.parsing, before.labels)]
    for parser in (before, after):
        label_map = parser.parse(parser.open(sample.image), clicks).label_map
        drawn.append(draw_parsing(sample.image, label_map, parser.labels, clicks))
    row = side_by_side([_small(picture) for picture in drawn])
    written, data = cv2.imencode(".jpg", cv2.cvtColor(row, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 85])
    assert written  # Of a picture with pixels.
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data.tobytes())


def _small(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    width = max(round(picture.shape[1] * HEIGHT / picture.shape[0]), 1)
    return np.asarray(cv2.resize(picture, (width, HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)
