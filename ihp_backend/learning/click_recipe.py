"""Click recipe: how a simulated annotator of the training set clicks (IHP, III-C)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ihp_backend.clicks import Click, central_clicks, near_edge_clicks, random_clicks


@dataclass(frozen=True)
class ClickRecipe:
    """Recipe for a training sample's clicks; the paper's variants are settings of it.

    Its "central" is ``extra=0``, its "random" ``extra=1`` and its "near-edge" ``extra=1, extra_kind="near-edge"``, each
    with ``without=0``.

    Attributes:
        without: share of samples without any click, from which the network learns to start by itself.
        central: whether there is a central click on every component and one on the background.
        extra: share of samples with extra clicks.
        extra_kind: where the extra clicks lie: anywhere, or within ``margin`` of a component's boundary.
        extra_limit: largest number of extra clicks, drawn evenly from 1 on (the paper's EC-Num).
        minimum_area: components smaller than this many pixels get no central click.
        margin: the paper's d_margin in pixels: reach of near-edge clicks, distance of the central background click.
    """

    without: float = 0.1
    central: bool = True
    extra: float = 0.5
    extra_kind: Literal["random", "near-edge"] = "random"
    extra_limit: int = 15
    minimum_area: int = 60
    margin: int = 10

    def draw(self, parsing: NDArray[np.uint8], rng: np.random.Generator) -> list[Click]:
        """The clicks of one simulated annotator on ``parsing`` (uint8 (height, width), 255 = ignore)."""
        if rng.random() < self.without:
            return []
        clicks = self.draw_central(parsing, rng) if self.central else []
        if rng.random() < self.extra:
            count = int(rng.integers(1, self.extra_limit + 1))
            if self.extra_kind == "near-edge":
                clicks += near_edge_clicks(parsing, rng, count, margin=self.margin)
            else:
                clicks += random_clicks(parsing, rng, count)
        return clicks

    def draw_central(self, parsing: NDArray[np.uint8], rng: np.random.Generator) -> list[Click]:
        """The central clicks alone, with which an annotator starts."""
        return central_clicks(parsing, rng, minimum_area=self.minimum_area, background_margin=self.margin)
