"""Sizes that regions say they were drawn in, beside the size of the photograph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST_PIXELS = 120_000_000
"""Nobody draws on a larger photograph; a mask of that size would only take memory."""

_LONGEST = 1 << 31
"""Pixels. No picture has a side of so many, and what computes with pictures counts in 32 bits."""

Size = tuple[int, int]
"""Height and width in pixels."""


def stated_size(record: Mapping[str, Any]) -> Size | None:
    """The size of the photograph that a region or a click says it is on; None if it says none.

    Examples:
        >>> stated_size({"original_height": 600, "original_width": 400}), stated_size({"original_height": 600})
        ((600, 400), None)
    """
    height, width = record.get("original_height"), record.get("original_width")
    if type(height) is int and type(width) is int and 0 < height < _LONGEST and 0 < width < _LONGEST:
        return height, width
    return None


def scaled_alike(one: Size, other: Size) -> bool:
    """Whether a picture of one size is the other made smaller or larger, up to a pixel of rounding.

    Examples:
        >>> scaled_alike((600, 400), (300, 200)), scaled_alike((600, 400), (400, 600))
        (True, False)
    """
    small, large = sorted((one, other))
    scales = [((near - 1) / far, (near + 1) / far) for near, far in zip(small, large, strict=True)]
    return max(low for low, _ in scales) < min(high for _, high in scales)


def named(size: Size) -> str:
    """The size as people write it, width first.

    Examples:
        >>> named((600, 400))
        '400 x 600'
    """
    return f"{size[1]} x {size[0]}"
