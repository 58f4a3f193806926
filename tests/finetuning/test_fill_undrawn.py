from __future__ import annotations

import numpy as np

from ihp_backend.finetuning.training_set import fill_undrawn


def maps() -> tuple[np.ndarray, np.ndarray]:
    drawn = np.full((20, 20), 255, np.uint8)
    drawn[2:10, 2:10] = 1
    expected = np.zeros((20, 20), np.uint8)
    expected[2:11, 2:10] = 1
    return drawn, expected


def test_what_is_drawn_ends_where_it_was_drawn_to_end() -> None:
    drawn, expected = maps()
    found = fill_undrawn(drawn, expected, np.zeros(drawn.shape, bool))
    assert (found == np.where(drawn == 1, 1, 0)).all()


def test_a_part_that_was_left_out_stays_open() -> None:
    drawn, expected = maps()
    expected[12:16, 12:16] = 2
    found = fill_undrawn(drawn, expected, np.zeros(drawn.shape, bool))
    assert (found[12:16, 12:16] == 255).all()
    assert ((found == 255) == (expected == 2)).all()


def test_what_was_drawn_under_another_name_was_not_left_out() -> None:
    drawn, expected = maps()
    expected[2:10, 2:10] = 2
    expected[15, 15] = 2
    assert (fill_undrawn(drawn, expected, np.zeros(drawn.shape, bool)) == np.where(drawn == 1, 1, 0)).all()


def test_a_speck_is_no_part() -> None:
    drawn, expected = maps()
    expected[15, 15] = 2
    assert (fill_undrawn(drawn, expected, np.zeros(drawn.shape, bool)) != 255).all()


def test_unknown_pixels_stay_undrawn() -> None:
    drawn = np.full((10, 10), 255, np.uint8)
    drawn[:5] = 1
    unknown = np.zeros((10, 10), bool)
    unknown[8:] = True
    found = fill_undrawn(drawn, np.zeros((10, 10), np.uint8), unknown)
    assert (found[5:8] == 0).all()
    assert (found[8:] == 255).all()
