"""Sampled tasks: every annotation that is drawn must be one that could be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ihp_backend.learning.task_sampling import TaskSampling

NUM_LABELS = 7


def photograph(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    parsing = np.zeros((24, 16), np.uint8)
    for label in rng.choice(np.arange(1, NUM_LABELS), int(rng.integers(0, 5)), replace=False):
        y, x = rng.integers(0, 16), rng.integers(0, 10)
        parsing[y : y + 8, x : x + 6] = label
    parsing[:2] = 255
    return parsing


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 1), st.floats(0, 1), st.integers(0, 3))
def test_labels_parsing_and_knowledge_fit_together(seed: int, unknown: float, left_out: float, others: int) -> None:
    parsing = photograph(seed)
    recipe = TaskSampling(unknown=unknown, partly_unknown=1 - unknown, left_out=left_out, others=others)
    task = recipe.draw(parsing, NUM_LABELS, np.random.default_rng(seed))
    assert task.labels[0] == 0
    assert len(set(task.labels.tolist())) == len(task.labels)
    np.testing.assert_array_equal(task.parsing == 255, parsing == 255)
    counted = parsing != 255
    # A label of the photograph is one of the annotation's, or background.
    behind = task.labels[task.parsing[counted]]
    assert set(np.unique(behind[behind != parsing[counted]])) <= {0}
    # Each known label of the data set stands behind exactly one label of the annotation.
    assert (task.known.sum(0) == 1).all()
    for row, label in enumerate(task.labels[1:], start=1):
        assert set(np.flatnonzero(task.known[row])) <= {label}


def test_all_or_nothing_is_known_where_the_recipe_says_so() -> None:
    parsing, rng = photograph(1), np.random.default_rng(0)
    everything = TaskSampling(unknown=0, partly_unknown=0, left_out=0).draw(parsing, NUM_LABELS, rng)
    assert everything.known.any(1).all()
    nothing = TaskSampling(unknown=1).draw(parsing, NUM_LABELS, rng)
    assert nothing.known[0].all()
    assert not nothing.known[1:].any()
    forced = TaskSampling(unknown=1, left_out=0).draw(parsing, NUM_LABELS, rng, all_known=True)
    assert forced.known.any(1).all()


def test_an_annotation_has_no_labels_that_are_not_asked_for() -> None:
    parsing, recipe = np.full((8, 8), 2, np.uint8), TaskSampling(left_out=0.0, others=3)
    drawn = [recipe.draw(parsing, NUM_LABELS, np.random.default_rng(seed), asked=(0, 2, 4, 5)) for seed in range(20)]
    assert {label for task in drawn for label in task.labels.tolist()} == {0, 2, 4, 5}


def test_left_out_labels_become_background() -> None:
    parsing = np.repeat(np.arange(6, dtype=np.uint8), 4)[:, None].repeat(8, 1)
    recipe = TaskSampling(left_out=1.0, others=0)
    for seed in range(20):
        task = recipe.draw(parsing, NUM_LABELS, np.random.default_rng(seed))
        gone = set(range(1, 6)) - set(task.labels.tolist())
        assert 1 <= len(gone) <= 3
        assert (task.parsing[np.isin(parsing, list(gone))] == 0).all()


@pytest.mark.parametrize("seed", range(20))
def test_what_is_drawn_is_part_of_the_annotation(seed: int) -> None:
    parsing = photograph(seed)
    drawn = TaskSampling(drawn=1.0).draw_previous(parsing, np.random.default_rng(seed))
    assert drawn is not None
    assert drawn.shape == parsing.shape
    assert drawn.dtype == np.uint8
    assert set(np.unique(drawn)) <= set(np.unique(parsing)) | {255}
    assert TaskSampling(drawn=0.0).draw_previous(parsing, np.random.default_rng(seed)) is None
