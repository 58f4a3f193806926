"""The semantic-perceiving loss: pixels lie nearer to the clicks of their own part than to a neighbour's (IHP, Eq. 2).

For a part p, an adjacent part n and a random pixel r of p, with S_p and S_n the cosines of r's embedding to the mean
embedding at the clicks of p and of n,

    log form:     max(0, log S_n - log S_p + margin)
    linear form:  max(0, S_n - S_p + margin)

The equation is printed with min(., 0) and its sentence with S_n and S_p exchanged; as printed it would reward mixing
parts up. The logarithm wants cosines above 0, as embeddings behind a ReLU have: with the paper's margin of 1.5 the loss
is 0 from S_p / S_n = e^1.5 = 4.48 on. Below ``floor`` a cosine counts as ``floor`` and has no gradient.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn

from ihp_backend.losses.adjacency import adjacent_labels
from ihp_backend.losses.pixels import full_precision, truly_clicked

STRIDE = 4
"""Pixels of the photograph per embedding pixel, along each axis."""

Indices = tuple[Tensor, Tensor, Tensor]
"""int64 (number of pixels,) each: image, y and x of pixels, or image, part and neighbour of pairs"""

Form = Literal["log", "linear"]
Reduction = Literal["pairs", "sum"]


class SemanticPerceiving(NamedTuple):
    """Value of the SP-loss.

    Attributes:
        loss: scalar; 0, with a gradient of zeros, where no image has a pair.
        active: scalar without gradient, share of the (pair, pixel) terms above 0; 0 where there is no pair.
    """

    loss: Tensor
    active: Tensor


class SemanticPerceivingLoss(nn.Module):
    """The hinge at the top of this file, over pairs of adjacent parts on each of which a click of its own label lies.

    Pixels are drawn by torch's global generator of the CPU, whatever the device: after the same ``torch.manual_seed``
    the same pixels are drawn.

    Args:
        margin: d_g, the paper's 1.5; in the linear form it is a difference of cosines, about 0.5.
        form: of the hinge.
        reduction: ``pairs`` gives the mean over the pairs of an image, ``sum`` the paper's sum over them, which
            grows with the number of parts; either is averaged over the batch.
        samples: random pixels per pair (the paper's is 1); a pair's terms are averaged.
        background: whether the background's clicks repel too; its own pixels are never drawn.
        detach_clicks: whether only the random pixels are moved and not the embeddings at clicks.
        floor: smallest cosine in the log form.

    Raises:
        ValueError: an unknown form or reduction, a margin that is not finite, no samples, or a floor that is not above
            0.
    """

    def __init__(
        self,
        margin: float = 1.5,
        form: Form = "log",
        reduction: Reduction = "pairs",
        samples: int = 8,
        background: bool = False,
        detach_clicks: bool = False,
        floor: float = 1e-4,
    ) -> None:
        super().__init__()
        if form not in get_args(Form):
            raise ValueError(f"form: {form!r} is unknown; known are {', '.join(get_args(Form))}")
        if reduction not in get_args(Reduction):
            raise ValueError(f"reduction: {reduction!r} is unknown; known are {', '.join(get_args(Reduction))}")
        if not math.isfinite(margin):
            raise ValueError(f"margin: {margin} given; give a number, such as 1.5 in the log form")
        if samples < 1:
            raise ValueError(f"samples: {samples} given; at least one pixel per pair is needed")
        if not 0 < floor < 1:
            raise ValueError(f"floor: {floor} given; it must lie between 0 and 1, such as 1e-4")
        self.margin, self.form, self.reduction, self.samples = margin, form, reduction, samples
        self.background, self.detach_clicks, self.floor = background, detach_clicks, floor

    def forward(self, embedding: Tensor, parsing: Tensor, click_maps: Tensor) -> SemanticPerceiving:
        """The loss and how much of it is active.

        Args:
            embedding: float (N, channels, h, w) at stride 4, (h, w) = (H, W) / 4 rounded up.
            parsing: int64 (N, H, W), 255 = ignore.
            click_maps: uint8 (N, num_labels, H, W), localization maps; a click's own pixel holds 0.

        Raises:
            ValueError: the embedding has another size.
        """
        return self.at(embedding, parsing, _places(truly_clicked(parsing, click_maps)), click_maps.shape[1])

    def at(self, embedding: Tensor, parsing: Tensor, clicks: Indices, num_labels: int) -> SemanticPerceiving:
        """The loss for clicks given as places instead of maps.

        Args:
            embedding, parsing: see ``forward``.
            clicks: image, y and x of the clicks with the label that is true there, in ascending order, each once.
            num_labels: above all labels of the parsing.
        """
        expected = tuple(-(-side // STRIDE) for side in parsing.shape[1:])
        if embedding.shape[2:] != expected:
            raise ValueError(
                f"embedding: {tuple(embedding.shape[2:])} given, {expected} needed for a parsing of "
                f"{tuple(parsing.shape[1:])}; pass decoder features at stride {STRIDE}"
            )
        labels = parsing.to(torch.uint8)
        clicked_label = parsing[clicks]
        image, part, neighbour = self._pairs(labels, clicks[0], clicked_label, num_labels)
        drawn = _random_pixels(labels, image, part, self.samples)
        # One look-up for all, since the gradient of each would fill a tensor as large as the embedding.
        at_clicks, at_drawn = _embedding_at(embedding, clicks, drawn)
        means = _label_means(at_clicks, clicks[0], clicked_label, (len(parsing), num_labels))
        means = _unit(means.detach() if self.detach_clicks else means)
        pixels = _unit(at_drawn).view(len(image), self.samples, embedding.shape[1])
        own = (pixels * means[image, part][:, None]).sum(2)
        other = (pixels * means[image, neighbour][:, None]).sum(2)
        hinges = self._hinge(own, other)
        totals = hinges.new_zeros(len(parsing)).index_add(0, image, hinges.mean(1))
        if self.reduction == "pairs":
            totals = totals / torch.bincount(image, minlength=len(parsing)).clamp(min=1)
        active = (hinges.detach() > 0).sum() / max(hinges.numel(), 1)
        return SemanticPerceiving(totals.mean(), active)

    def _pairs(self, labels: Tensor, clicked_image: Tensor, clicked_label: Tensor, num_labels: int) -> Indices:
        """Image, part and neighbour of every pair, in ascending order."""
        pairs = adjacent_labels(labels, num_labels)
        has_click = torch.zeros(pairs.shape[:2], dtype=torch.bool, device=pairs.device)
        has_click[clicked_image, clicked_label] = True
        pairs &= has_click[:, :, None] & has_click[:, None, :]
        pairs[:, 0, :] = False
        if not self.background:
            pairs[:, :, 0] = False
        return _places(pairs)

    def _hinge(self, own: Tensor, other: Tensor) -> Tensor:
        if self.form == "log":
            own, other = own.clamp(min=self.floor).log(), other.clamp(min=self.floor).log()
        return (other - own + self.margin).clamp(min=0)


def _places(chosen: Tensor) -> Indices:
    """The places where a bool tensor of three axes is True, in ascending order."""
    one, two, three = chosen.nonzero(as_tuple=True)
    return one, two, three


def _embedding_at(embedding: Tensor, *places: Indices) -> tuple[Tensor, ...]:
    """The embedding at pixels (image, y, x) of the photographs, float32 (number of pixels, channels) per place."""
    image, y, x = (torch.cat(parts) for parts in zip(*places, strict=True))
    found = full_precision(embedding[image, :, y // STRIDE, x // STRIDE])
    return found.split([len(place[0]) for place in places])


def _label_means(clicked: Tensor, image: Tensor, label: Tensor, shape: tuple[int, int]) -> Tensor:
    """The mean over the clicks of each (image, label): (N, num_labels, channels), 0 where there is none."""
    images, num_labels = shape
    row = image * num_labels + label
    sums = clicked.new_zeros(images * num_labels, clicked.shape[1]).index_add(0, row, clicked)
    counts = torch.bincount(row, minlength=len(sums)).clamp(min=1)
    return (sums / counts[:, None]).view(images, num_labels, -1)


def _unit(vectors: Tensor) -> Tensor:
    """``vectors`` at length 1 along their last axis."""
    length = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
    # A ReLU can leave nothing but zeros, which have no direction: cosine 0 to all, without the gradient of 1 / 0.
    return vectors / length.where(length > 0, torch.inf)


def _random_pixels(labels: Tensor, image: Tensor, part: Tensor, samples: int) -> Indices:
    """``samples`` pixels of each (image, part), drawn evenly with replacement; those of a pair follow one another."""
    share = torch.rand(len(image), samples, dtype=torch.float64).to(labels.device)
    pixel = torch.empty(len(image), samples, dtype=torch.int64, device=labels.device)
    for number, row in enumerate(labels.flatten(1)):
        # Sorted by label, the pixels of a part lie side by side, so that a draw is one look-up. One byte per pixel,
        # since bytes are sorted several times faster than wider numbers.
        order = row.sort(stable=True).indices
        count = torch.bincount(row, minlength=256)
        mine = image == number
        wanted = part[mine][:, None]
        place = (share[mine] * count[wanted]).long().minimum(count[wanted] - 1)
        pixel[mine] = order[(count.cumsum(0) - count)[wanted] + place]
    width = labels.shape[2]
    return image.repeat_interleave(samples), pixel.flatten() // width, pixel.flatten() % width
