"""What is too doubtful to show, beside a slow reference and case by case."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import label as components

from ihp_backend.clicks import Click
from ihp_backend.labels import LabelSet
from ihp_backend.parsing import Parser
from ihp_backend.parsing.arrays import PlaceArray, as_they_are
from ihp_backend.parsing.checkpoint import Checkpoint
from ihp_backend.parsing.confidence_filter import BEHIND, SURE, THERE, confident_only
from ihp_backend.parsing.convex_upsampling import ConvexAnswer
from ihp_backend.parsing.engines.base import DecoderInputs, Encoded, LiveEngine

BACKGROUND, COAT, DRESS, SKIRT = range(4)
HEIGHT, WIDTH = 8, 9


def asked(clicks: Iterable[tuple[int, int, int]] = (), drawn: NDArray[Any] | None = None) -> DecoderInputs:
    """Clicks as (row of cells, column, label), what is drawn as float (4, 8, 9)."""
    clicks = list(clicks)
    own = np.zeros((max(len(clicks), 1), 4), np.float32)
    places = np.zeros((len(own), 2), np.int64)
    for number, (row, column, label) in enumerate(clicks):
        own[number, label], places[number] = 1, (4 * row + 1, 4 * column + 2)
    previous = np.zeros((4, HEIGHT, WIDTH), np.float32) if drawn is None else drawn.astype(np.float32)
    return DecoderInputs(places, own, np.zeros_like(own), np.eye(4, dtype=np.float32), previous)


def answer_of(probabilities: NDArray[Any]) -> ConvexAnswer:
    """Float (4, 8, 9), or (4,) for all cells."""
    everywhere = np.broadcast_to(probabilities.reshape(4, *probabilities.shape[1:] or (1, 1)), (4, HEIGHT, WIDTH))
    shares = np.zeros((HEIGHT, WIDTH, 16, 9), np.float32)
    shares[..., 4] = 1
    return ConvexAnswer(np.log(everywhere).astype(np.float32), np.arange(4, dtype=np.uint8), shares)


def with_patch(inside: tuple[float, ...], outside: tuple[float, ...] = (0.97, 0.01, 0.01, 0.01)) -> ConvexAnswer:
    """Two by two cells from (2, 3) on are something else than the rest."""
    probabilities = np.broadcast_to(np.reshape(outside, (4, 1, 1)), (4, HEIGHT, WIDTH)).copy()
    probabilities[:, 2:4, 3:5] = np.reshape(inside, (4, 1, 1))
    return answer_of(probabilities)


PATCH = np.zeros((4, HEIGHT, WIDTH))
PATCH[COAT, 2, 3] = 1


@pytest.mark.parametrize(
    ("inside", "inputs", "found"),
    [
        ((0.38, 0.6, 0.01, 0.01), asked(), BACKGROUND),
        ((0.1, 0.7, 0.1, 0.1), asked(), COAT),
        ((0.05, 0.05, 0.5, 0.4), asked(), DRESS),
        ((0.3, 0.6, 0.05, 0.05), asked([(2, 3, COAT)]), COAT),
        ((0.45, 0.5, 0.03, 0.02), asked([(2, 3, COAT)]), COAT),
        ((0.45, 0.5, 0.03, 0.02), asked([(1, 2, COAT)]), COAT),
        ((0.45, 0.5, 0.03, 0.02), asked([(6, 7, COAT)]), BACKGROUND),
        ((0.4, 0.58, 0.01, 0.01), asked([(6, 7, COAT)]), BACKGROUND),
        ((0.3, 0.63, 0.04, 0.03), asked([(6, 7, COAT)]), COAT),
        ((0.45, 0.5, 0.03, 0.02), asked(drawn=PATCH), COAT),
        ((0.45, 0.5, 0.03, 0.02), asked(drawn=np.roll(PATCH, 4, 1)), BACKGROUND),
    ],
    ids=[
        "unsure label", "sure label", "the likelier of two", "clicked label",
        "clicked component", "clicked beside", "clicked elsewhere, unsure", "clicked elsewhere, nearly sure",
        "clicked elsewhere, sure", "drawn", "drawn elsewhere, unsure",
    ],
)  # fmt: skip
def test_what_becomes_of_a_patch(inside: tuple[float, ...], inputs: DecoderInputs, found: int) -> None:
    answer = confident_only(with_patch(inside), inputs, 1.0)
    best = answer.labels[answer.best]
    assert (best[2:4, 3:5] == found).all()
    best[2:4, 3:5] = BACKGROUND
    assert (best == BACKGROUND).all()


@pytest.mark.parametrize("asked_too", [asked([(7, 0, DRESS)]), asked(drawn=np.roll(PATCH, (1, 4), (0, 1)))])
def test_what_else_is_asked_for_raises_the_bar(asked_too: DecoderInputs) -> None:
    answer = with_patch((0.25, 0.74, 0.005, 0.005))
    assert (confident_only(answer, asked(), 1.0).best[2:4, 3:5] == COAT).all()
    assert COAT not in confident_only(answer, asked_too, 1.0).labels


def test_without_doubt_nothing_is_made_anew() -> None:
    answer, inputs = with_patch((0.1, 0.7, 0.1, 0.1)), asked([(2, 3, COAT), (7, 0, DRESS), (7, 8, SKIRT)])
    assert confident_only(answer, inputs, 1.0) is answer


def test_a_higher_temperature_is_less_sure() -> None:
    answer = with_patch((0.3, 0.7, 1e-6, 1e-6))
    assert (confident_only(answer, asked(), 1.0).best[2:4, 3:5] == COAT).all()
    assert (confident_only(answer, asked(), 2.0).best == BACKGROUND).all()


def test_the_background_is_never_doubtful() -> None:
    answer = answer_of(np.array([0.3, 0.25, 0.25, 0.2]))
    assert confident_only(answer, asked([(0, 0, COAT)]), 1.0).labels.tolist() == [BACKGROUND, COAT]
    assert (confident_only(answer, asked([(0, 0, COAT)]), 1.0).best == BACKGROUND).all()


def slowly(logits: NDArray[Any], inputs: DecoderInputs, temperature: float) -> NDArray[np.intp]:
    """The best rows that remain: float64, loops, another way to find components."""
    logits = logits.astype(np.float64)
    free = [row for row in range(1, 4) if not inputs.own[:, row].any() and not (inputs.previous[row] > 0).any()]

    # What is best nowhere does not come up in another's place.
    logits[[row for row in free if not (logits.argmax(0) == row).any()]] = -1e4

    def surest() -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        powers = np.exp(logits / temperature)
        return logits.argmax(0), (powers / powers.sum(0)).max(0)

    while True:
        best, sure = surest()
        means = {row: sure[best == row].mean() for row in free if (best == row).any()}
        share = (3 - len(free)) / (3 - len(free) + len(means)) if means else 1
        if not means or min(means.values()) >= (1 - share) * THERE[0] + share * THERE[1]:
            break
        logits[min(means, key=lambda row: means[row])] = -1e4
    result = best.copy()
    for row in range(1, 4):
        found, count = components(best == row, np.ones((3, 3)))
        for number in range(1, count + 1):
            cells = np.argwhere(found == number)
            clicked = any(
                inputs.own[click, row] and np.abs(cells - place // 4).max(1).min() <= 1
                for click, place in enumerate(inputs.places)
            )
            if clicked or inputs.previous[row][found == number].any() or sure[found == number].mean() >= SURE:
                continue
            for y, x in cells:
                logits[row, y, x] = -np.inf
                result[y, x] = logits[:, y, x].argmax()
    return result


@settings(max_examples=200, deadline=None)
@given(st.data(), st.integers(0, 10_000), st.floats(0.3, 2))
def test_equal_to_the_slow_reference(data: st.DataObject, seed: int, temperature: float) -> None:
    rng = np.random.default_rng(seed)
    smooth = np.kron(rng.normal(size=(4, 4, 3)), np.ones((1, 2, 3))) * data.draw(st.sampled_from([0.5, 1, 3]))
    answer = answer_of(np.exp(smooth + rng.normal(size=(4, HEIGHT, WIDTH)) * 0.3))
    clicks = data.draw(
        st.lists(st.tuples(st.integers(0, HEIGHT - 1), st.integers(0, WIDTH - 1), st.integers(1, 3)), max_size=3)
    )
    drawn = rng.random((4, HEIGHT, WIDTH)) * (rng.random((4, 1, 1)) < 0.3) > 0.9
    inputs = asked(clicks, drawn)
    before = answer.logits.copy()
    found = confident_only(answer, inputs, temperature)
    np.testing.assert_array_equal(found.labels[found.best], slowly(answer.logits, inputs, temperature))
    np.testing.assert_array_equal(answer.logits, before)


def test_a_crumb_can_be_had_back_without_its_neighbours() -> None:
    """It is only just behind: to obey a click nearby, a cell need not be lifted by thousands."""
    answer = confident_only(with_patch((0.45, 0.5, 0.03, 0.02)), asked([(6, 7, COAT)]), 1.0)
    background, coat = answer.logits[:, 2, 3]
    assert background - coat == pytest.approx(BEHIND)


class Unsure(LiveEngine):
    """Sees a coat in a corner, if it is one."""

    def encode(self, image: NDArray[np.uint8], place: PlaceArray = as_they_are) -> Encoded:
        height, width = image.shape[0] // 4, image.shape[1] // 4
        shares = np.zeros((height, width, 16, 9), np.float32)
        shares[..., 4] = 1
        background = np.ones((height, width), np.float32)
        nobody = np.zeros((height, width), np.uint8)
        return Encoded((height, width), shares, np.array([1, 1], np.float32), background, nobody)

    def looks(self, features: tuple[int, int], places: NDArray[np.int64]) -> NDArray[np.float32]:
        return np.zeros((len(places), 1), np.float32)

    def decode(self, features: tuple[int, int], inputs: DecoderInputs) -> NDArray[np.float32]:
        logits = np.zeros((len(inputs.known), *features), np.float32)
        logits[inputs.known[:, COAT] > 0, :3, :4] = 0.3
        return logits


@pytest.mark.parametrize(
    ("temperature", "unfiltered", "found"), [(1.0, False, 0), (0.1, False, 1), (1.0, True, 1), (None, False, 1)]
)
def test_a_parser_shows_what_it_is_sure_of(temperature: float | None, unfiltered: bool, found: int) -> None:
    """Whoever wants to see everything can, and so does whoever has probabilities that were never made to come true."""
    labels = LabelSet(("background", "coat"))
    checkpoint = Checkpoint(Path(), "unsure", "unsure-1", labels, {}, 256, 16, {}, temperature)
    parser = Parser(checkpoint, Unsure(), unfiltered=unfiltered)
    for with_labels in (parser, parser.with_labels(labels)):
        scene = with_labels.open(np.zeros((64, 64, 3), np.uint8))
        shown = [with_labels.parse(scene, clicks).label_map[0, 0] for clicks in ([], [Click(1, 1, COAT)])]
        assert shown == [found, COAT]
