"""Pictures of parsings show parts, clicks and windows, and leave alone what they are given."""

from __future__ import annotations

import numpy as np

from ihp_backend.clicks import Click
from ihp_backend.evaluation.drawing import draw_parsing, side_by_side
from ihp_backend.labels import CCP
from ihp_backend.parsing.rectangle import Rectangle


def test_parts_are_tinted_and_windows_framed() -> None:
    image, label_map = np.full((60, 80, 3), 100, np.uint8), np.zeros((60, 80), np.uint8)
    label_map[20:40, 20:40] = 5
    label_map[50:] = 255
    picture = draw_parsing(image, label_map, CCP, [Click(70, 10, 5)], [Rectangle(10, 12, 45, 60)])
    assert (image == 100).all()
    for place, colour in (((10, 30), (255,) * 3), ((44, 30), (255,) * 3), ((30, 59), (255,) * 3), ((5, 5), (100,) * 3)):
        assert tuple(picture[place]) == colour
    assert (picture[52:] == 100).all()
    np.testing.assert_allclose(picture[30, 30], 0.4 * 100 + 0.6 * np.array(CCP.colours[5]), atol=1)
    assert tuple(picture[10, 70]) == CCP.colours[5]


def test_pictures_stand_side_by_side_on_white() -> None:
    row = side_by_side([np.zeros((4, 3, 3), np.uint8), np.zeros((2, 5, 3), np.uint8)], gap=2)
    assert row.shape == (4, 10, 3)
    assert (row[:, 3:5] == 255).all()
    assert (row[2:, 5:] == 255).all()
    assert not row[:2, 5:].any()
