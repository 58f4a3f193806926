"""Pictures of what a lesson changed: truth, before and after, for people to look at."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ihp_backend.datasets import Sample
from ihp_backend.evaluation.drawing import draw_parsing, side_by_side
from ihp_backend.lessons.trial import first_clicks
from ihp_backend.parsing import Parser

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
