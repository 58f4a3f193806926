"""Averages over scales and mirror images of a network whose answers are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ihp_backend.clicks import Click
from ihp_backend.labels import LabelSet
from ihp_backend.parsing import Parser
from ihp_backend.parsing.checkpoint import Checkpoint
from ihp_backend.parsing.engines.base import Engine
from tests.parsing.toy_engine import toy_parser

LABELS = LabelSet(("background", "left arm", "right arm"), flip_pairs=((1, 2),))
STRIDE = 4


class Brightness(Engine):
    """Sees arms where it is bright, and calls those in the left half of what it is given left arms.

    Attributes:
        seen: sizes of the working images.
    """

    def __init__(self, lean: float = 0.0) -> None:
        self.seen: list[tuple[int, ...]] = []
        self._lean = lean

    def encode(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Mean brightness of cells."""
        self.seen.append(image.shape[:2])
        height, width = (side // STRIDE for side in image.shape[:2])
        return image.reshape(height, STRIDE, width, STRIDE, 3).mean((1, 3, 4)).astype(np.float32)

    def decode(self, features: NDArray[np.float32], click_maps: NDArray[np.uint8]) -> NDArray[np.float32]:
        """``lean`` makes right arms likelier everywhere, in mirror images, too."""
        aside = np.linspace(-1, 1, features.shape[1], dtype=np.float32) + np.zeros_like(features)
        arms = (features - 150) / 20
        return np.stack([-arms, arms - aside, arms + aside + self._lean]).astype(np.float32)


def parser_of(engine: Engine, labels: LabelSet = LABELS) -> Parser:
    return Parser(Checkpoint(Path(), "arms", "arms-1", LABELS, {}, 512, 16, {}), engine, labels)


def photograph(height: int = 160, width: int = 96, seed: int = 0) -> NDArray[np.uint8]:
    coarse = np.random.default_rng(seed).integers(0, 256, (height // 16, width // 16, 1), dtype=np.uint8)
    return coarse.repeat(16, 0).repeat(16, 1).repeat(3, 2)


def parsed(parser: Parser, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return parser.parse(parser.open(image), []).label_map


@pytest.mark.parametrize("size", [(160, 96), (150, 91), (700, 300)])
def test_scale_one_alone_changes_nothing(size: tuple[int, int]) -> None:
    parser = parser_of(Brightness(0.3))
    image = np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)
    plain = parsed(parser, image)
    assert len(np.unique(plain)) == 3
    np.testing.assert_array_equal(parsed(parser.averaged((1.0,)), image), plain)


def test_averaged_with_the_mirrored_photograph_answers_are_symmetric() -> None:
    image = photograph()
    exchanged = np.array(LABELS.mirrored_ids())
    plain, mirrored = (parsed(parser_of(Brightness(1.5)), view) for view in (image, image[:, ::-1]))
    assert (exchanged[plain] != mirrored[:, ::-1]).any()
    averaged = parser_of(Brightness(1.5)).averaged(flip=True)
    ours, other = (parsed(averaged, view) for view in (image, image[:, ::-1]))
    assert {1, 2} <= set(np.unique(ours))
    np.testing.assert_array_equal(exchanged[ours], other[:, ::-1])


def test_the_mean_is_of_probabilities() -> None:
    engine, image = Brightness(1.5), photograph()
    both = []
    for view in (image, image[:, ::-1]):
        parser = parser_of(engine)
        powers = np.exp(parser.answer(parser.open(view), []).logits)
        both.append(powers / powers.sum(0))
    wanted = (both[0] + both[1][[0, 2, 1], :, ::-1]) / 2
    averaged = parser_of(engine).averaged(flip=True)
    found = averaged.answer(averaged.open(image), [])
    np.testing.assert_allclose(np.exp(found.logits), wanted, rtol=1e-4, atol=1e-6)


def test_every_scale_is_looked_at_in_multiples_of_what_the_network_takes() -> None:
    engine = Brightness()
    averaged = parser_of(engine).averaged((0.75, 1, 1.25), flip=True)
    image = photograph(256, 96)
    label_map = parsed(averaged, image)
    sizes = engine.seen[::2]
    assert sizes == engine.seen[1::2]
    working = sizes[1]
    assert [round(height / working[0], 2) for height, _ in sizes] == [0.75, 1, 1.25]
    assert all(side % 16 == 0 for size in sizes for side in size)
    assert (label_map == parsed(parser_of(engine), image)).mean() > 0.9


def test_labels_of_the_data_set_may_be_fewer_than_the_models() -> None:
    few = LabelSet(("background", "right arm"))
    engine, image = Brightness(1.5), photograph()
    ours = parsed(parser_of(engine, few).averaged(flip=True), image)
    np.testing.assert_array_equal(ours == 1, parsed(parser_of(engine).averaged(flip=True), image) == 2)


def test_versions_tell_how_answers_were_made() -> None:
    parser = parser_of(Brightness())
    assert parser.averaged((0.75, 1), flip=True).version == "arms-1, scales 0.75, 1, mirrored"
    assert parser.averaged(flip=True).version != parser.averaged((1.0,)).version


def test_what_cannot_be_averaged_is_refused() -> None:
    averaged = parser_of(Brightness()).averaged(flip=True)
    with pytest.raises(ValueError, match="click: averages over scales and mirror images are for photographs without"):
        averaged.parse(averaged.open(photograph()), [Click(3, 4, 1)])
    with pytest.raises(ValueError, match=r"scales: \[1, 0\] given; give one or more from 0.25 to 4"):
        parser_of(Brightness()).averaged((1, 0))
    with pytest.raises(ValueError, match="scales, flip: toy-1 is a live network"):
        toy_parser()[0].averaged(flip=True)
