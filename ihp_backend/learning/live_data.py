"""Data of the live network: composed views in which pieces of labels are labels of their own."""

from __future__ import annotations

from typing import Any

import torch

from ihp_backend.datasets import ParsingDataset, Sample
from ihp_backend.labels import IGNORE
from ihp_backend.learning.augmentation import pad_to_multiple
from ihp_backend.learning.click_data import ClickData
from ihp_backend.learning.click_recipe import ClickRecipe
from ihp_backend.learning.click_views import MULTIPLE, ClickedViews, Item
from ihp_backend.learning.composition import CompositionRecipe
from ihp_backend.learning.live_recipe import LIVE_RECIPE
from ihp_backend.learning.live_samples import click_plane
from ihp_backend.learning.sub_parts import SubPartRecipe

PLAIN_VIEWS = CompositionRecipe()


class LiveData(ClickData):
    """``ClickData`` with composed views and pieces; a training item's third tensor is a click plane (``click_plane``).

    Args:
        args, kwargs: of ``ClickData``.
        sub_parts: how pieces are drawn.
        composition: how views are composed.

    Raises:
        FileNotFoundError, ValueError: see ``ClickData``; or the labels and their pieces do not fit into 8 bits.
    """

    def __init__(
        self,
        *args: Any,
        sub_parts: SubPartRecipe = LIVE_RECIPE.sub_parts,
        composition: CompositionRecipe = PLAIN_VIEWS,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.sub_parts, self.composition = sub_parts, composition

    def items(self, samples: ParsingDataset, length: int) -> ClickedViews:
        """Random views with simulated clicks, on pieces, too."""
        labels = len(samples.labels)
        if self.sub_parts.share and labels * (1 + self.sub_parts.pieces) > IGNORE:
            remedy = f"set it to {most}" if (most := IGNORE // labels - 1) else "set sub_parts.share to 0"
            raise ValueError(
                f"sub_parts.pieces: {self.sub_parts.pieces} pieces of each of {labels} labels given, and there is room "
                f"for {IGNORE} labels and pieces; {remedy}"
            )
        return LiveViews(
            samples, length, self.size, self.scales, self.clicks, self.seed, self.sub_parts, self.composition
        )


class LiveViews(ClickedViews):
    """Random views for the live network; the clicks are made on the finished view.

    Args:
        samples, length, size, scales, clicks, seed: see ``ClickedViews``.
        sub_parts, composition: see ``LiveData``.
    """

    def __init__(
        self,
        samples: ParsingDataset,
        length: int,
        size: tuple[int, int],
        scales: tuple[float, float],
        clicks: ClickRecipe,
        seed: int,
        sub_parts: SubPartRecipe,
        composition: CompositionRecipe,
    ) -> None:
        super().__init__(samples, length, size, scales, clicks, seed)
        self.sub_parts, self.composition = sub_parts, composition

    def __getitem__(self, index: int) -> Item:
        order, rng = self.drawn(index)

        def sample_of(number: int) -> Sample:
            return self.samples[int(order[number % len(order)])]

        labels = self.samples.labels
        view = self.composition.draw(sample_of, labels, self.size, self.scales, rng)
        image, parsing = pad_to_multiple(*view, MULTIPLE)
        parsing = self.sub_parts.draw(image, parsing, len(labels), rng)
        plane = click_plane(self.clicks.draw(parsing, rng), parsing.shape)
        return torch.from_numpy(image.transpose(2, 0, 1).copy()), torch.from_numpy(parsing), torch.from_numpy(plane)
