"""Sub-parts: pieces are parts of labels, of the size and kind that the recipe says, and can be put back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ihp_backend.labels import IGNORE
from ihp_backend.learning.live_data import LiveData
from ihp_backend.learning.sub_parts import SubPartRecipe, without_pieces
from ihp_backend.learning.task_sampling import TaskSampling

NUM_LABELS = 5


def photograph(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rectangles of labels, and a picture of a few flat colours that has nothing to do with them."""
    rng = np.random.default_rng(seed)
    parsing, image = np.zeros((40, 32), np.uint8), np.zeros((40, 32, 3), np.uint8)
    for target, values in ((parsing, np.arange(NUM_LABELS)), (image, rng.integers(0, 256, (6, 3)))):
        for value in values:
            y, x = rng.integers(0, 30), rng.integers(0, 22)
            target[y : y + 16, x : x + 16] = value
    parsing[:2] = IGNORE
    return image, parsing


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([(1.0, 0.0), (0.0, 1.0), (0.0, 0.0), (0.3, 0.3)]), st.integers(1, 4))
def test_pieces_are_parts_of_labels(seed: int, kinds: tuple[float, float], limit: int) -> None:
    image, parsing = photograph(seed)
    before = image.copy(), parsing.copy()
    recipe = SubPartRecipe(1.0, limit, minimum_area=10, largest=0.6, component=kinds[0], half=kinds[1])
    carved = recipe.draw(image, parsing, NUM_LABELS, np.random.default_rng(seed))
    np.testing.assert_array_equal(without_pieces(carved, NUM_LABELS), parsing)
    np.testing.assert_array_equal(image, before[0])
    np.testing.assert_array_equal(parsing, before[1])
    pieces = [int(piece) for piece in np.unique(carved) if NUM_LABELS <= piece < IGNORE]
    assert len(pieces) <= limit
    for piece in pieces:
        area, whole = int((carved == piece).sum()), int((parsing == piece - NUM_LABELS).sum())
        assert 10 <= area <= 0.6 * whole
        assert whole - area >= 10


def test_nothing_is_carved_unless_asked_for() -> None:
    image, parsing = photograph(0)
    assert SubPartRecipe().draw(image, parsing, NUM_LABELS, np.random.default_rng(0)) is parsing


def test_a_piece_of_one_colour_ends_where_the_colour_does() -> None:
    parsing = np.ones((40, 40), np.uint8)
    image = np.full((40, 40, 3), 200, np.uint8)
    image[10:30, 10:30] = (40, 40, 120)
    recipe = SubPartRecipe(1.0, component=0.0, half=0.0)
    square = np.zeros_like(parsing, bool)
    square[10:30, 10:30] = True
    drawn = [recipe.draw(image, parsing, 2, np.random.default_rng(seed)) == 3 for seed in range(20)]
    inside = [piece for piece in drawn if piece[20, 20]]
    assert inside
    for piece in inside:
        assert not (piece & ~square).any()
        assert piece[13:27, 13:27].all()  # The blur takes the pixels at the edge.


def test_a_component_is_a_whole_one() -> None:
    parsing = np.zeros((30, 40), np.uint8)
    parsing[5:25, 3:13] = parsing[5:25, 25:37] = 1
    recipe = SubPartRecipe(1.0, limit=2, component=1.0, half=0.0)
    drawn = [
        recipe.draw(np.zeros((30, 40, 3), np.uint8), parsing, 2, np.random.default_rng(seed)) for seed in range(20)
    ]
    found = {tuple(np.unique(np.nonzero(carved == 3)[1])) for carved in drawn}
    assert found == {(), tuple(range(3, 13)), tuple(range(25, 37))}


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_sampled_tasks_know_nothing_of_pieces(seed: int, all_known: bool) -> None:
    image, parsing = photograph(seed)
    carved = SubPartRecipe(1.0, minimum_area=5).draw(image, parsing, NUM_LABELS, np.random.default_rng(seed))
    recipe = TaskSampling(unknown=0, partly_unknown=0, left_out=0.5)
    task = recipe.draw(carved, NUM_LABELS, np.random.default_rng(seed), all_known=all_known)
    pieces = task.labels >= NUM_LABELS
    assert task.known.shape == (len(task.labels), NUM_LABELS)
    assert not task.known[pieces].any()
    assert not (all_known and pieces.any())
    for row, label in enumerate(task.labels):
        answered = task.parsing == row
        if label >= NUM_LABELS:
            np.testing.assert_array_equal(answered, carved == label)
        elif label:
            mine = carved == label
            if label + NUM_LABELS not in task.labels:
                mine |= carved == label + NUM_LABELS
            np.testing.assert_array_equal(answered, mine)
    np.testing.assert_array_equal(task.parsing == IGNORE, parsing == IGNORE)


def test_a_tensor_is_put_together_as_well() -> None:
    carved = torch.tensor([[0, 7, 255], [5, 4, 9]])
    assert without_pieces(carved, 5).tolist() == [[0, 2, 255], [0, 4, 4]]


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 6))
def test_labels_fall_into_several_pieces_and_pieces_of_pieces(seed: int, pieces: int) -> None:
    image, parsing = photograph(seed)
    recipe = SubPartRecipe(1.0, minimum_area=10, pieces=pieces)
    carved = recipe.draw(image, parsing, NUM_LABELS, np.random.default_rng(seed))
    np.testing.assert_array_equal(without_pieces(carved, NUM_LABELS), parsing)
    for label in range(NUM_LABELS):
        own = [piece for piece in range(label, IGNORE, NUM_LABELS) if (carved == piece).any()]
        assert len(own) <= 1 + pieces
        assert all((carved == piece).sum() >= 10 for piece in own) or len(own) == 1


def test_views_have_clicks_on_pieces(ccp_tree: Path) -> None:
    data = LiveData(ccp_tree, size=(96, 64), sub_parts=SubPartRecipe(1.0, minimum_area=5, pieces=3))
    samples = data.samples("train")
    labels, views = len(samples.labels), data.items(samples, 12)
    clicked = set()
    for _, parsing, plane in (views[number] for number in range(len(views))):
        assert plane.shape == parsing.shape
        for y, x in (plane != IGNORE).nonzero().tolist():
            assert parsing[y, x] == plane[y, x]
            clicked.add(int(plane[y, x]) // labels)
    assert len(clicked) > 2


def test_too_many_labels_for_pieces_are_refused(ccp_tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = LiveData(ccp_tree, sub_parts=SubPartRecipe(1.0, pieces=2))
    samples = data.samples("train")
    for labels, remedy in ((100, "set it to 1"), (200, "set sub_parts.share to 0")):
        monkeypatch.setattr(type(samples.labels), "__len__", lambda _, labels=labels: labels)
        with pytest.raises(ValueError, match=rf"sub_parts\.pieces: 2 pieces of each of {labels} labels.*{remedy}"):
            data.items(samples, 1)
