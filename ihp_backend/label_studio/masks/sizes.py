"""Sizes that regions say they were drawn in, beside the size of the photograph."""

from __future__ import annotations

MOST_PIXELS = 120_000_000
"""Nobody draws on a larger photograph; a mask of that size would only take memory."""

Size = tuple[int, int]
"""Height and width in pixels."""


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
