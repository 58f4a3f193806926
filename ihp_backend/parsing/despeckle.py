"""Clean outlines: specks and holes of a few pixels go to the label around them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ihp_backend.clicks import Click
from ihp_backend.clicks.connected_components import number_regions

SHARE = 20_000
"""A piece of at most one in so many of a photograph's pixels is a speck: 24 pixels of 800 x 600."""

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
    were drawn by hand; and those with nothing but hand-drawn pixels around them.

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
    pieces = number_regions(label_map + np.uint8(1))  # 0 would count as no piece
    starts, lengths = _runs(label_map)
    piece_of_run = pieces.ravel()[starts]
    speck = np.bincount(piece_of_run, lengths) <= few
    speck[0] = False
    for click in clicks:
        speck[pieces[click.y, click.x]] = False
    if not speck.any():
        return
    tiny = speck[piece_of_run]
    at = np.divmod(_pixels(starts[tiny], lengths[tiny]), label_map.shape[1])
    if drawn is not None:
        speck[pieces[at][drawn[at] == label_map[at]]] = False
        still = speck[pieces[at]]
        at = at[0][still], at[1][still]
    numbers, own = np.unique(pieces[at], return_inverse=True)
    who, where = _borders(at, own, pieces, drawn)
    waiting = np.ones(len(numbers), bool)
    while waiting.any():
        # Only what is no speck, or none any more, passes its label on.
        valid = waiting[who] & ~speck[pieces.ravel()[where]]
        votes = np.bincount(who[valid] * 256 + label_map.ravel()[where[valid]], minlength=len(numbers) * 256)
        votes = votes.reshape(-1, 256)
        settled: NDArray[np.bool_] = votes.max(axis=1) > 0
        if not settled.any():
            return
        mine = settled[own]
        label_map[at[0][mine], at[1][mine]] = votes.argmax(axis=1)[own[mine]]
        speck[numbers[settled]] = False
        waiting &= ~settled


def _runs(label_map: NDArray[np.uint8]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First pixel (flat index) and length of every run of one label in a row; they are far fewer than the pixels."""
    begins = np.ones(label_map.shape, bool)
    np.not_equal(label_map[:, 1:], label_map[:, :-1], out=begins[:, 1:])
    starts = np.flatnonzero(begins)
    return starts, np.diff(starts, append=label_map.size)


def _pixels(starts: NDArray[np.intp], lengths: NDArray[np.intp]) -> NDArray[np.intp]:
    """Flat indices of the pixels of runs, in order."""
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(lengths.sum())


def _borders(
    at: tuple[NDArray[np.intp], ...],
    own: NDArray[np.intp],
    pieces: NDArray[np.unsignedinteger],
    drawn: NDArray[np.uint8] | None,
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs of a speck (its place in ``numbers``) and a neighbouring pixel of another piece (its flat index)."""
    height, width = pieces.shape
    who, where = [], []
    for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        rows, columns = at[0] + down, at[1] + right
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        rows, columns, mine = rows[inside], columns[inside], own[inside]
        other = pieces[rows, columns] != pieces[at][inside]
        if drawn is not None:
            other &= drawn[rows, columns] == NOT_DRAWN
        who.append(mine[other])
        where.append(rows[other] * width + columns[other])
    return np.concatenate(who), np.concatenate(where)
