from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ihp_backend.label_studio.masks.shape_masks import shape_mask

HEIGHT, WIDTH = 60, 100
Y, X = np.mgrid[:HEIGHT, :WIDTH] + 0.5


def near(mask: np.ndarray, inside: np.ndarray, slack: np.ndarray) -> None:
    """Equal but for pixels whose middle is within a pixel of the outline."""
    assert not ((mask != inside) & ~slack).any()


def test_a_polygon_covers_what_is_inside() -> None:
    mask = shape_mask("polygonlabels", {"points": [[10, 10], [90, 10], [10, 90]]}, HEIGHT, WIDTH)
    left, top, beyond = X - 10, Y - 6, 0.6 * (X - 10) + (Y - 6) - 48
    near(mask, (left > 0) & (top > 0) & (beyond < 0), (abs(left) < 1) | (abs(top) < 1) | (abs(beyond) < 1.4))
    assert 0 <= mask.sum() - 80 * 48 / 2 < 80 + 48 + 94  # The pixels that the outline runs through belong to it.


@pytest.mark.parametrize("rotation", [0, 30, 90])
def test_an_ellipse_turns_about_its_middle(rotation: float) -> None:
    value = {"x": 50, "y": 50, "radiusX": 20, "radiusY": 10, "rotation": rotation}
    mask = shape_mask("ellipselabels", value, HEIGHT, WIDTH)
    turn = np.deg2rad(rotation)
    x, y = X - 50, Y - 30
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    radius = np.hypot(along / 20, across / 6)
    near(mask, radius < 1, abs(radius - 1) < 0.2)
    assert 0 <= mask.sum() - np.pi * 20 * 6 < 90


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("polygon", {}),
        ("polygon", {"points": [[1, 2], [3, 4]]}),
        ("polygon", {"points": [[1, 2], [3, 4], [float("nan"), 1]]}),
        ("polygon", {"points": "abc"}),
        ("polygon", {"points": [[1, 2], [3, 4], [10**400, 1]]}),
        ("ellipse", {"x": 10**400, "y": 2, "radiusX": 1, "radiusY": 1}),
        ("ellipse", {"x": 1, "y": 2, "radiusX": None, "radiusY": 1}),
        ("ellipse", {"x": 1, "y": float("inf"), "radiusX": 1, "radiusY": 1}),
    ],
)
def test_shapes_without_their_numbers(kind: str, value: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="value: "):
        shape_mask(kind, value, HEIGHT, WIDTH)


def test_far_away_corners_do_no_harm() -> None:
    huge = {"points": [[-1e9, -1e9], [1e9, -1e9], [1e9, 1e9], [-1e9, 1e9]]}
    assert shape_mask("polygon", huge, HEIGHT, WIDTH).all()
