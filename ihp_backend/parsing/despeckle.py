"""Clean outlines: specks and holes of a few pixels go to the label around them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ihp_backend.clicks import Click

SHARE = 20_000
"""A piece of at most one in so many of a photograph's pixels is a speck: 24 pixels of 800 x 600."""

NOT_SETTLED = -1

MOST_RUNS = 500_000
"""Runs of a label map up to which it is cleaned: an answer has some 100,000 at most. What has more is noise that was
imported as drawn by hand."""

NOT_DRAWN = 255


def despeckle(
    label_map: NDArray[np.uint8],
    clicks: Iterable[Click] = (),
    drawn: NDArray[np.uint8] | None = None,
    *,
    few: int | None = None,
) -> None:
    """Give every speck to the label with the longest border to it, in place.

    A hole in a label is a speck of another one (or of the background), so that no regions come to overlap and none
    leave a gap. A piece is 8-connected: a thin slanted line is one piece, and none of its pixels a speck. Specks
    inside specks follow the outer ones. Left as they are: specks with a click in them, whatever it says; specks that
    were drawn by hand; those with nothing but hand-drawn pixels around them; and a map of more than ``MOST_RUNS`` runs.

    Args:
        label_map: uint8 (height, width), a model's answer.
        clicks: all that stand, in pixels of ``label_map``.
        drawn: uint8 (height, width), what was drawn or accepted by hand, 255 where nothing was; None: nothing.
        few: the most pixels of a speck; by default the photograph's pixels divided by ``SHARE``.

    Examples:
        >>> label_map = np.ones((5, 5), np.uint8)
        >>> label_map[2, 2] = 7
        >>> despeckle(label_map, few=1)
        >>> int(label_map[2, 2])
        1
    """
    few = label_map.size // SHARE if few is None else few
    if few < 1:
        return
    starts, lengths = _runs(label_map)
    if len(starts) > MOST_RUNS:
        return
    piece_of_run = _pieces(starts, lengths, label_map)
    sizes = np.bincount(piece_of_run, lengths)
    speck = (sizes > 0) & (sizes <= few)
    if not speck.any():
        return

    def piece_at(pixels: NDArray[np.intp]) -> NDArray[np.intp]:
        return piece_of_run[_run_at(starts, pixels)]

    width = label_map.shape[1]
    speck[piece_at(np.array([click.y * width + click.x for click in clicks], np.intp))] = False
    tiny = speck[piece_of_run]
    at, piece = _pixels(starts[tiny], lengths[tiny]), piece_of_run[tiny].repeat(lengths[tiny])
    if drawn is not None:
        speck[piece[drawn.ravel()[at] == label_map.ravel()[at]]] = False
        still = speck[piece]
        at, piece = at[still], piece[still]
    numbers, own = np.unique(piece, return_inverse=True)
    who, where = _borders(at, own, label_map, drawn)
    neighbour = piece_at(where)
    waiting = np.ones(len(numbers), bool)
    while waiting.any():
        # Only what is no speck, or none any more, passes its label on.
        valid = waiting[who] & ~speck[neighbour]
        votes, counts = np.unique(who[valid] * 256 + label_map.ravel()[where[valid]], return_counts=True)
        if not len(votes):
            return
        most = votes[np.lexsort((votes, -counts, votes // 256))]
        settled, first = np.unique(most // 256, return_index=True)
        becomes = np.full(len(numbers), NOT_SETTLED)
        becomes[settled] = most[first] % 256
        mine = becomes[own] != NOT_SETTLED
        label_map[np.divmod(at[mine], width)] = becomes[own[mine]]
        speck[numbers[settled]] = waiting[settled] = False


def _runs(label_map: NDArray[np.uint8]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First pixel (flat index) and length of every run of one label in a row; they are far fewer than the pixels."""
    begins = np.ones(label_map.shape, bool)
    np.not_equal(label_map[:, 1:], label_map[:, :-1], out=begins[:, 1:])
    starts = np.flatnonzero(begins)
    return starts, np.diff(starts, append=label_map.size)


def _run_at(starts: NDArray[np.intp], pixels: NDArray[np.intp]) -> NDArray[np.intp]:
    """The run that each pixel (flat index) lies in."""
    return np.searchsorted(starts, pixels, side="right") - 1


def _pixels(starts: NDArray[np.intp], lengths: NDArray[np.intp]) -> NDArray[np.intp]:
    """Flat indices of the pixels of runs, in order."""
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(lengths.sum())


def _pieces(starts: NDArray[np.intp], lengths: NDArray[np.intp], label_map: NDArray[np.uint8]) -> NDArray[np.intp]:
    """The first run of the 8-connected piece that each run belongs to.

    Runs are far fewer than the pixels of a large photograph: this takes a third of the time of numbering those.
    """
    height, width = label_map.shape
    label = label_map.ravel()[starts]
    # What touches a run in the next row are those from the one with its first pixel's lower left neighbour on to the
    # one with its last pixel's lower right one.
    below = np.flatnonzero(starts < (height - 1) * width)
    row_ends = (starts[below] // width + 2) * width
    first = np.maximum(starts[below] + width - 1, row_ends - width)
    last = np.minimum(starts[below] + lengths[below] + width, row_ends - 1)
    from_, to = _run_at(starts, first), _run_at(starts, last)
    upper, lower = below.repeat(to - from_ + 1), _pixels(from_, to - from_ + 1)
    alike = label[upper] == label[lower]
    upper, lower = upper[alike], lower[alike]
    piece = np.arange(len(starts))
    while (apart := piece[upper] != piece[lower]).any():
        upper, lower = upper[apart], lower[apart]
        one, other = piece[upper], piece[lower]
        np.minimum.at(piece, np.maximum(one, other), np.minimum(one, other))
        while (piece != (further := piece[piece])).any():
            piece = further
    return piece


def _borders(
    at: NDArray[np.intp], own: NDArray[np.intp], label_map: NDArray[np.uint8], drawn: NDArray[np.uint8] | None
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs of a speck (its place in ``numbers``) and a neighbouring pixel of another label (its flat index)."""
    height, width = label_map.shape
    flat, rows, columns = label_map.ravel(), at // width, at % width
    who, where = [], []
    for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        y, x = rows + down, columns + right
        inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        here = at + down * width + right
        # Of its own label it would be of its own piece.
        here, mine = here[inside], own[inside]
        other = flat[here] != flat[at[inside]]
        if drawn is not None:
            other &= drawn.ravel()[here] == NOT_DRAWN
        who.append(mine[other])
        where.append(here[other])
    return np.concatenate(who), np.concatenate(where)
