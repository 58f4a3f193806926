"""Polygons and ellipses as masks. Label Studio measures them in percent of the photograph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ihp_backend.label_studio.config.tag_table import tag_of
from ihp_backend.label_studio.masks.opacity import NothingDrawn

_FRACTION_BITS = 6


def shape_mask(kind: str, value: Mapping[str, Any], height: int, width: int) -> NDArray[np.bool_]:
    """Mask of a polygon or an ellipse, the pixels of its outline included, bool (height, width).

    Raises:
        NothingDrawn: a polygon that was not finished.
        ValueError: the region lacks its numbers.

    Examples:
        >>> triangle = {"points": [[0, 0], [100, 0], [0, 100]]}
        >>> shape_mask("polygonlabels", triangle, height=4, width=4).astype(int).tolist()
        [[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 0, 0]]
        >>> shape_mask("polygon", {"points": [[0, 0]]}, height=4, width=4)
        Traceback (most recent call last):
            ...
        ihp_backend.label_studio.masks.opacity.NothingDrawn: value: a polygon of 1 corners; it was not f...
    """
    canvas = np.zeros((height, width), np.uint8)
    percent = np.array([width, height]) / 100
    try:
        if tag_of(kind).mask_form == "polygon":
            corners = np.array(value["points"], float).reshape(-1, 2) * percent
        else:
            radii = np.array([float(value["radiusX"]), float(value["radiusY"])]) * percent
            turn = np.deg2rad(float(value.get("rotation", 0)))
            around = np.linspace(0, 2 * np.pi, 180, endpoint=False)
            along, across = radii[:, None] * [np.cos(around), np.sin(around)]
            turned = [along * np.cos(turn) - across * np.sin(turn), along * np.sin(turn) + across * np.cos(turn)]
            corners = np.array([float(value["x"]), float(value["y"])]) * percent + np.transpose(turned)
    except (KeyError, OverflowError, TypeError, ValueError) as error:
        raise ValueError(f"value: no {kind} of the editor ({error!r})") from None
    if not np.isfinite(corners).all():
        raise ValueError(f"value: a {kind} with corners that are no numbers")
    if len(corners) < 3:
        raise NothingDrawn(f"value: a {kind} of {len(corners)} corners; it was not finished")
    limited = np.clip(corners - 0.5, -float(max(height, width)), 2.0 * max(height, width))
    fixed = np.round(limited * (1 << _FRACTION_BITS)).astype(np.int32)
    cv2.fillPoly(canvas, [fixed], 1, cv2.LINE_8, _FRACTION_BITS)
    return canvas.astype(bool)
