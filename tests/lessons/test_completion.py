from __future__ import annotations

import numpy as np

from ihp_backend.lessons.completion import completed


def maps() -> tuple[np.ndarray, np.ndarray]:
    drawn = np.full((20, 20), 255, np.uint8)
    drawn[2:10, 2:10] = 1
    expected = np.zeros((20, 20), np.uint8)
    expected[2:11, 2:10] = 1
    return drawn, expected


def test_a_whole_annotation_says_what_is_background() -> None:
    drawn, expected = maps()
    found = completed(drawn, expected)
    assert (found[2:10, 2:10] == 1).all()
    assert (found[10, 2:10] == 255).all()  # Hat is expected there, and nobody said that it is none.
    rest = np.ones_like(drawn, bool)
    rest[2:11, 2:10] = False
    assert (found[rest] == 0).all()


def test_a_part_that_was_left_out_leaves_everything_open() -> None:
    drawn, expected = maps()
    expected[12:16, 12:16] = 2
    np.testing.assert_array_equal(completed(drawn, expected), drawn)


def test_a_speck_is_no_part() -> None:
    drawn, expected = maps()
    expected[15, 15] = 2
    found = completed(drawn, expected)
    assert found[15, 15] == 255
    assert (found == 0).sum() > 300
