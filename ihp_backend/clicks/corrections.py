"""Corrections: the clicks an annotator gives in answer to a parsing that is still wrong (IHP, IV-B)."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
from numpy.typing import NDArray

from ihp_backend.clicks.click import Click
from ihp_backend.clicks.connected_components import LabelMap, central_pixel, number_regions
from ihp_backend.labels import IGNORE


def correction_click(
    parsing: LabelMap,
    predicted: LabelMap,
    rng: np.random.Generator,
    *,
    candidates: int = 5,
    clicked: Collection[tuple[int, int]] = (),
) -> Click | None:
    """The next correction click: in the largest wrongly labelled region, with the label true there (IHP, IV-B).

    The paper does not say what bounds a region. Here it is an 8-connected component of wrong pixels that share their
    true label, so that one click answers for all of it. The first of several regions of the same size is taken.

    Args:
        parsing: uint8 (height, width), the truth; ignored pixels (255) are never wrong.
        predicted: uint8 (height, width), what is shown.
        rng: source of randomness.
        candidates: random pixels of the region among which the most central one is clicked (the paper's N_c).
        clicked: (x, y) of pixels clicked before. They bound regions and are never clicked again, so an annotator whose
            click was not followed tries another place.

    Returns:
        A positive click, or None when nothing is left to correct.

    Raises:
        ValueError: ``predicted`` has another size than ``parsing``.

    Examples:
        >>> parsing = np.zeros((4, 6), np.uint8)
        >>> parsing[:, 3:] = 2
        >>> click = correction_click(parsing, np.zeros_like(parsing), np.random.default_rng(0))
        >>> click.label, click.x >= 3
        (2, True)
        >>> correction_click(parsing, parsing, np.random.default_rng(0)) is None
        True
    """
    clicks = correction_clicks(parsing, predicted, rng, 1, candidates=candidates, clicked=clicked)
    return clicks[0] if clicks else None


def correction_clicks(
    parsing: LabelMap,
    predicted: LabelMap,
    rng: np.random.Generator,
    count: int,
    *,
    candidates: int = 5,
    clicked: Collection[tuple[int, int]] = (),
) -> list[Click]:
    """Up to ``count`` correction clicks at once, one in each of the largest wrongly labelled regions, largest first.

    Everything else is as for ``correction_click``.

    Examples:
        >>> parsing = np.array([[1, 1, 1, 0, 2]], np.uint8)
        >>> clicks = correction_clicks(parsing, np.zeros_like(parsing), np.random.default_rng(0), count=2)
        >>> [click.label for click in clicks]
        [1, 2]
    """
    wrong = _wrong(parsing, predicted, clicked)
    clicks: list[Click] = []
    for region in _largest_regions(wrong, parsing, count):
        x, y = central_pixel(region, rng, candidates)
        clicks.append(Click(x, y, int(parsing[y, x])))
    return clicks


def _wrong(parsing: LabelMap, predicted: LabelMap, clicked: Collection[tuple[int, int]]) -> NDArray[np.bool_]:
    """Mask of pixels whose known label is not the one shown, without pixels that were clicked before."""
    if predicted.shape != parsing.shape:
        raise ValueError(f"predicted: size {predicted.shape} given; the parsing's, {parsing.shape}, needed")
    wrong = (predicted != parsing) & (parsing != IGNORE)
    for x, y in clicked:
        wrong[y, x] = False
    return wrong


def _largest_regions(wrong: NDArray[np.bool_], label_map: LabelMap, count: int) -> Iterator[NDArray[np.bool_]]:
    """The ``count`` largest regions of wrong pixels that share their value in ``label_map``, largest first."""
    # One more than the label, so that background forms regions, too. 255 wraps to 0, but is never among the wrong.
    regions = number_regions((label_map + np.uint8(1)) * wrong)
    areas = np.bincount(regions[wrong])[1:]
    for number in np.argsort(-areas, kind="stable")[:count] + 1:
        yield regions == number
