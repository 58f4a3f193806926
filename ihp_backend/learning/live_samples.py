"""The samples of a training step in the loop: their sampled tasks, the clicks so far and the parsing so far."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import avg_pool2d, one_hot

from ihp_backend.clicks import Click, correction_clicks
from ihp_backend.labels import IGNORE
from ihp_backend.learning.task_sampling import SampledTask, TaskSampling
from ihp_backend.networks.live import Clicked, DecoderInputs
from ihp_backend.networks.live.convex_combination import STRIDE
from ihp_backend.parsing.last_answer import REACH, withheld


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


Clicks = NDArray[np.int64]
"""(n, 3), label, y and x of the clicks on one photograph, in ascending order and each once."""


def clicks_of(clicks: Iterable[Click]) -> Clicks:
    """Positive clicks as an array."""
    return _in_order([(click.label, click.y, click.x) for click in clicks if click.positive])


def click_plane(clicks: Iterable[Click], size: tuple[int, ...]) -> NDArray[np.uint8]:
    """Positive clicks as a plane, uint8 ``size`` (H, W): the label of the click in each pixel, 255 where there is none.

    A sample has one label per pixel and may have hundreds of labels and pieces, whose maps would fill the memory.
    """
    plane = np.full(size, IGNORE, np.uint8)
    for click in clicks:
        if click.positive:
            plane[click.y, click.x] = click.label
    return plane


def clicks_in(planes: Tensor) -> list[Clicks]:
    """The clicks that click planes (uint8 (N, H, W)) were made from, by photograph."""
    found = []
    for plane in planes.cpu().numpy():
        y, x = np.nonzero(plane != IGNORE)
        found.append(_in_order(np.column_stack([plane[y, x], y, x])))
    return found


def _in_order(rows: Any) -> Clicks:
    return np.unique(np.asarray(rows, np.int64).reshape(-1, 3), axis=0)


class Samples:
    """Samples of one step.

    Attributes:
        parsing: int64 (N, H, W), in labels of each sample's annotation.
        clicks: of each sample, in labels of its annotation.
        known: float (N, L, number of the data set's labels).
        previous: uint8 (N, H, W), the parsing so far, 255 where there is none.
    """

    def __init__(
        self, tasks: Sequence[SampledTask], clicks: Sequence[Clicks], previous: Tensor, device: torch.device
    ) -> None:
        length = max(len(task.labels) for task in tasks)
        self.parsing = torch.from_numpy(np.stack([task.parsing for task in tasks])).long().to(device)
        self.known = torch.zeros(len(tasks), length, tasks[0].known.shape[1], device=device)
        for number, task in enumerate(tasks):
            self.known[number, : len(task.labels)] = torch.from_numpy(task.known).to(device)
        self.clicks = list(clicks)
        self.previous = previous

    @classmethod
    def draw(
        cls,
        parsing: Tensor,
        clicks: Sequence[Clicks],
        recipe: TaskSampling,
        rng: np.random.Generator,
        num_labels: int,
        asked: Collection[int] | None = None,
    ) -> Samples:
        """Draws a sampled task for each photograph of a batch.

        Args:
            parsing: uint8 (N, H, W), in labels of the data set, 255 = ignore.
            clicks: on each of them.
            recipe, rng, num_labels, asked: see ``TaskSampling.draw``.
        """
        drawn, chosen = [], []
        previous = torch.full_like(parsing, IGNORE)
        for number, (true, its_clicks) in enumerate(zip(parsing.cpu().numpy(), clicks, strict=True)):
            task = recipe.draw(true, num_labels, rng, all_known=not len(its_clicks), asked=asked)
            # Where each label of the data set is in the annotation; -1 where it is not, or nobody has clicked it yet.
            positions = np.full(IGNORE + 1, -1)
            positions[task.labels] = np.arange(len(task.labels))
            if rng.random() < 0.3:  # The annotator has not come to all parts yet.
                positions[task.labels[rng.random(len(task.labels)) < rng.random()]] = -1
            moved = np.column_stack([positions[its_clicks[:, 0]], its_clicks[:, 1:]])
            before = recipe.draw_previous(task.parsing, rng)
            if before is not None:
                previous[number] = torch.from_numpy(before).to(previous.device)
            drawn.append(task)
            chosen.append(_in_order(moved[moved[:, 0] >= 0]))
        return cls(drawn, chosen, previous, parsing.device)

    def inputs(self) -> DecoderInputs:
        """The decoder inputs: what the network sees of the sample."""
        labels = self.known.shape[1]
        clicked = self._clicked()
        nothing = self.previous == IGNORE
        shares = one_hot(self.previous.masked_fill(nothing, 0).long(), labels).permute(0, 3, 1, 2).to(self.known.dtype)
        previous = avg_pool2d(shares * ~nothing[:, None], STRIDE)
        present = self.known.any(2) | clicked.own.any(1) | previous.flatten(2).any(2)
        return DecoderInputs(clicked, self.known, previous, present)

    def _clicked(self) -> Clicked:
        # One row at least, so that nothing downstream meets an empty tensor.
        count, most = len(self.clicks), max(1, *map(len, self.clicks))
        places, own = np.zeros((count, most, 2), np.int64), np.zeros((count, most, self.known.shape[1]), np.float32)
        for number, clicks in enumerate(self.clicks):
            places[number, : len(clicks)] = clicks[:, 1:]
            own[number, np.arange(len(clicks)), clicks[:, 0]] = 1
        signs = torch.from_numpy(own).to(self.known.device)
        return Clicked(torch.from_numpy(places).to(signs.device), signs, torch.zeros_like(signs))

    def truly_clicked(self) -> tuple[Tensor, Tensor, Tensor]:
        """Image, y and x (int64, in ascending order) of the clicks with the label that is true there."""
        images = np.repeat(np.arange(len(self.clicks)), [len(clicks) for clicks in self.clicks])
        label, y, x = np.concatenate(self.clicks).T
        order = np.lexsort((x, y, images))
        places = [torch.from_numpy(part[order]).to(self.parsing.device) for part in (images, y, x, label)]
        true = self.parsing[places[0], places[1], places[2]] == places[3]
        image, row, column = (part[true] for part in places[:3])
        return image, row, column

    def target(self, present: Tensor) -> Tensor:
        """The true parsing, ignored where its label cannot be answered yet."""
        reachable = torch.cat([present, present.new_zeros(len(present), 256 - present.shape[1])], 1)
        return self.parsing.where(reachable.gather(1, self.parsing.flatten(1)).view_as(self.parsing), IGNORE)

    def correct(
        self, answer: Tensor, sure: Tensor, grid: Grid, rng: np.random.Generator, limit: int, forgetting: float
    ) -> None:
        """Adds corrections of an answer, which becomes the parsing so far as in serving, or is forgotten.

        Args:
            answer: uint8 (N, H / step, W / step), on the pixels of ``grid``.
            sure: bool, alike, where it is worth handing over, see ``parsing.last_answer``.
            grid: where they lie.
            rng: of the annotators.
            limit: largest number of corrections per sample.
            forgetting: share of samples in which the answer is forgotten.
        """
        found, true = answer.cpu().numpy(), grid.of(self.parsing).to(torch.uint8).cpu().numpy()
        handed = np.where(sure.cpu().numpy(), found, IGNORE).astype(np.uint8)
        for number in range(len(found)):
            count = int(rng.integers(1, limit + 1))
            candidates = int(rng.integers(1, 6))
            corrections = correction_clicks(true[number], found[number], rng, count, candidates=candidates)
            handed[number] = withheld(handed[number], corrections, REACH / grid.step)
            added = clicks_of(map(grid.click_of, corrections))
            self.clicks[number] = _in_order(np.concatenate([self.clicks[number], added]))
        kept = torch.from_numpy(rng.random(len(found)) >= forgetting).to(answer.device)
        on_grid = torch.from_numpy(handed).to(answer.device)
        all_pixels = on_grid.repeat_interleave(grid.step, 1).repeat_interleave(grid.step, 2)
        self.previous = torch.where(kept[:, None, None], all_pixels, IGNORE)
