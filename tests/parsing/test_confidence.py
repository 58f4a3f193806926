"""How sure a parser is, per label and per pixel."""

from __future__ import annotations

import numpy as np
import pytest

from ihp_backend.parsing import Parse
from ihp_backend.parsing.convex_upsampling import ConvexAnswer


def test_cells_are_the_best_labels_probabilities() -> None:
    logits = np.random.default_rng(0).normal(size=(4, 5, 6)).astype(np.float32)
    answer = ConvexAnswer(logits, np.array([0, 3, 1, 7], np.uint8), np.full((5, 6, 16, 9), 1 / 9, np.float32))
    for temperature in (1.0, 2.5):
        powers = np.exp(logits.astype(float) / temperature)
        np.testing.assert_allclose(answer.cells(temperature), (powers / powers.sum(0)).max(0), rtol=1e-5)
    confidence = answer.confidence(answer.cells(), 9)
    best = np.array([0, 3, 1, 7])[logits.argmax(0)]
    for label in range(9):
        wanted = answer.cells()[best == label].mean() if (best == label).any() else 0
        assert confidence[label] == pytest.approx(wanted, rel=1e-5)


def test_pixels_lie_between_the_cells() -> None:
    cells = np.array([[0.2, 0.6], [1.0, 0.4]], np.float32)
    parse = Parse(np.zeros((8, 8), np.uint8), np.ones(1, np.float32), cells, (0.25, 0.25))
    pixels = parse.pixel_confidence()
    assert pixels.shape == (8, 8)
    np.testing.assert_allclose(pixels[[0, 0, 7, 7], [0, 7, 0, 7]], [0.2, 0.6, 1.0, 0.4], atol=1e-6)
    between = (np.arange(8) + 0.5) / 4 - 0.5
    np.testing.assert_allclose(pixels[0], np.interp(between, [0, 1], [0.2, 0.6]), atol=0.02)  # In 32nds of a cell.


def test_a_parser_without_probabilities_says_so() -> None:
    with pytest.raises(ValueError, match="no probabilities"):
        Parse(np.zeros((2, 2), np.uint8), np.ones(1, np.float32)).pixel_confidence()
