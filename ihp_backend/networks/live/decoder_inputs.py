"""DecoderInputs: what a parsing is made from besides the photograph."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Clicked(NamedTuple):
    """The clicks on N photographs, at most n each, with L labels; rows that only fill up to n are zeros.

    Attributes:
        places: int64 (N, n, 2), y and x in pixels of the network's input.
        own: float (N, n, L), 1 where a positive click has the label.
        against: float (N, n, L), 1 where a negative click has the label.
    """

    places: Tensor
    own: Tensor
    against: Tensor


class DecoderInputs(NamedTuple):
    """Clicks, what is known of the labels, and the parsing so far.

    Labels are those of the annotation, in any order; a label is known to the network through ``known`` alone.

    Attributes:
        clicked: the clicks.
        known: float (N, L, known labels), 1 where the label stands for a label that the network was trained on; it may
            stand for several, or for none.
        previous: float (N, L, h, w) at stride 4, share of each cell that the parsing so far gives to the label; zeros
            where there is none.
        present: bool (N, L), labels that may be answered; the others get ``ABSENT_LOGIT``.
    """

    clicked: Clicked
    known: Tensor
    previous: Tensor
    present: Tensor


def clicked_in(maps: Tensor) -> Clicked:
    """The clicks that localization maps were made from, which are all positive.

    Args:
        maps: uint8 (N, L, H, W); a click's own pixel holds 0.
    """
    image, label, y, x = (maps == 0).nonzero().unbind(1)
    counts = torch.bincount(image, minlength=len(maps))
    # One row at least, so that nothing downstream meets an empty tensor.
    length = max(int(counts.max()), 1)
    order = image.sort(stable=True).indices
    row = torch.empty_like(image)
    row[order] = torch.arange(len(image), device=image.device) - (counts.cumsum(0) - counts)[image[order]]
    places = torch.zeros(len(maps), length, 2, dtype=torch.int64, device=maps.device)
    places[image, row] = torch.stack([y, x], 1)
    own = torch.zeros(len(maps), length, maps.shape[1], device=maps.device)
    own[image, row, label] = 1
    return Clicked(places, own, torch.zeros_like(own))
