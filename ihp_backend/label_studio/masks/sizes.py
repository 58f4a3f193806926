"""Sizes that regions say they were drawn in, beside the size of the photograph."""

from __future__ import annotations

MOST_PIXELS = 120_000_000
"""Nobody draws on a larger photograph; a mask of that size would only take memory."""

Size = tuple[int, int]
"""Height and width in pixels."""


def scaled_alike(one: Size, other: Size) -> bool:
    """Whether a picture of one size is the other made smaller or larger, up to a pixel of rounding."""
    small, large = sorted((one, other))
    scales = [((near - 1) / far, (near + 1) / far) for near, far in zip(small, large, strict=True)]
    return max(low for low, _ in scales) < min(high for _, high in scales)


def named(size: Size) -> str:
    """As people write it, width first."""
    return f"{size[1]} x {size[0]}"
