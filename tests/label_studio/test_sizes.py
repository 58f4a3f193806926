"""Which sizes are those of one picture, made smaller or larger."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihp_backend.label_studio.masks.sizes import named, scaled_alike

SIDES = st.integers(2, 9000)


@given(SIDES, SIDES, st.floats(0.01, 1))
def test_a_reduced_picture_is_alike_however_its_sides_are_rounded(height: int, width: int, scale: float) -> None:
    for rounded in (int, round, lambda side: -int(-side // 1)):
        small = (max(rounded(height * scale), 1), max(rounded(width * scale), 1))
        assert scaled_alike(small, (height, width))
        assert scaled_alike((height, width), small)


@pytest.mark.parametrize("other", [(800, 600), (600, 790), (300, 410), (1200, 1590), (600, 600), (1, 800)])
def test_other_pictures_are_not(other: tuple[int, int]) -> None:
    assert not scaled_alike((600, 800), other)


def test_sizes_are_named_width_first() -> None:
    assert named((600, 800)) == "800 x 600"
