"""The samples of a training step in the loop: their situations, the clicks so far and the parsing so far."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import avg_pool2d, one_hot

from ihp_backend.clicks import Click, add_click, correction_clicks
from ihp_backend.labels import IGNORE
from ihp_backend.learning.situations import Situation, SituationRecipe
from ihp_backend.networks.live import Evidence, clicked_in
from ihp_backend.networks.live.upsampling import STRIDE


@dataclass(frozen=True)
class Grid:
    """Every ``step``-th pixel in both directions: a loss on them, at another phase each time, costs a fraction.

    Attributes:
        step: 1, 2 or 4.
        phase: y and x of the first pixel.
    """

    step: int
    phase: tuple[int, int]

    @classmethod
    def draw(cls, step: int, rng: np.random.Generator) -> Grid:
        """A grid at a random phase."""
        y, x = rng.integers(step, size=2).tolist()
        return cls(step, (y, x))

    def of(self, pixels: Tensor) -> Tensor:
        """The grid's pixels of (..., H, W)."""
        return pixels[..., self.phase[0] :: self.step, self.phase[1] :: self.step]

    def click_of(self, click: Click) -> Click:
        """A click on one of the grid's pixels, in all pixels."""
        return replace(click, x=click.x * self.step + self.phase[1], y=click.y * self.step + self.phase[0])


CELLS = Grid(STRIDE, (STRIDE // 2, STRIDE // 2))
"""The pixels in the middle of each cell."""


class Samples:
    """Samples of one step.

    Attributes:
        parsing: int64 (N, H, W), in labels of each sample's annotation.
        maps: uint8 (N, L, H, W), localization maps of the annotations' labels.
        known: float (N, L, number of the data set's labels).
        previous: uint8 (N, H, W), the parsing so far, 255 where there is none.
    """

    def __init__(
        self, situations: Sequence[Situation], maps: Sequence[NDArray[np.uint8]], previous: Tensor, device: torch.device
    ) -> None:
        length = max(len(situation.labels) for situation in situations)
        self.parsing = torch.from_numpy(np.stack([situation.parsing for situation in situations])).long().to(device)
        self.known = torch.zeros(len(situations), length, situations[0].known.shape[1], device=device)
        self.maps = torch.full((len(situations), length, *self.parsing.shape[1:]), 255, dtype=torch.uint8)
        for number, (situation, its_maps) in enumerate(zip(situations, maps, strict=True)):
            self.known[number, : len(situation.labels)] = torch.from_numpy(situation.known).to(device)
            self.maps[number, : len(situation.labels)] = torch.from_numpy(its_maps)
        self.maps = self.maps.to(device)
        self.previous = previous

    @classmethod
    def draw(
        cls,
        parsing: Tensor,
        maps: Tensor,
        recipe: SituationRecipe,
        rng: np.random.Generator,
        num_labels: int,
        asked: Collection[int] | None = None,
    ) -> Samples:
        """Draws a situation for each photograph of a batch; see ``SituationRecipe.draw``."""
        drawn, chosen = [], []
        previous = torch.full_like(parsing, IGNORE)
        for number, (true, its_maps) in enumerate(zip(parsing.cpu().numpy(), maps.cpu().numpy(), strict=True)):
            unclicked = bool((its_maps != 0).all())
            situation = recipe.draw(true, num_labels, rng, all_known=unclicked, asked=asked)
            its_maps = its_maps[situation.labels]
            if rng.random() < 0.3:  # The annotator has not come to all parts yet.
                its_maps[rng.random(len(its_maps)) < rng.random()] = 255
            before = recipe.draw_previous(situation.parsing, rng)
            if before is not None:
                previous[number] = torch.from_numpy(before).to(previous.device)
            drawn.append(situation)
            chosen.append(its_maps)
        return cls(drawn, chosen, previous, parsing.device)

    def evidence(self) -> Evidence:
        """What the network sees of it."""
        labels = self.maps.shape[1]
        clicked = clicked_in(self.maps)
        nothing = self.previous == IGNORE
        shares = one_hot(self.previous.masked_fill(nothing, 0).long(), labels).permute(0, 3, 1, 2).to(self.known.dtype)
        previous = avg_pool2d(shares * ~nothing[:, None], STRIDE)
        present = self.known.any(2) | clicked.own.any(1) | previous.flatten(2).any(2)
        return Evidence(clicked, self.known, previous, present)

    def target(self, present: Tensor) -> Tensor:
        """The true parsing, ignored where its label cannot be answered yet."""
        reachable = torch.cat([present, present.new_zeros(len(present), 256 - present.shape[1])], 1)
        return self.parsing.where(reachable.gather(1, self.parsing.flatten(1)).view_as(self.parsing), IGNORE)

    def correct(self, answer: Tensor, grid: Grid, rng: np.random.Generator, limit: int, forgetting: float) -> None:
        """Adds corrections of an answer, which becomes the parsing so far or is forgotten.

        Args:
            answer: uint8 (N, H / step, W / step), on the pixels of ``grid``.
            grid: where they lie.
            rng: of the annotators.
            limit: largest number of corrections per sample.
            forgetting: share of samples in which the answer is forgotten.
        """
        found, true = answer.cpu().numpy(), grid.of(self.parsing).to(torch.uint8).cpu().numpy()
        for number in range(len(found)):
            count = int(rng.integers(1, limit + 1))
            changed = self.maps[number].cpu().numpy()
            candidates = int(rng.integers(1, 6))
            for click in correction_clicks(true[number], found[number], rng, count, candidates=candidates):
                add_click(changed, grid.click_of(click))
            self.maps[number] = torch.from_numpy(changed).to(self.maps.device)
        kept = torch.from_numpy(rng.random(len(found)) >= forgetting).to(answer.device)
        all_pixels = answer.repeat_interleave(grid.step, 1).repeat_interleave(grid.step, 2)
        self.previous = torch.where(kept[:, None, None], all_pixels, IGNORE)
