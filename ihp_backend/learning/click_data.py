"""Training and validation data of click networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch.utils.data import DataLoader

from ihp_backend.datasets import ParsingDataset, without_labels
from ihp_backend.learning.click_recipe import ClickRecipe
from ihp_backend.learning.click_views import CentralViews, ClickedViews, Item
from ihp_backend.learning.hyperparameters import require_views
from ihp_backend.learning.stepwise_data import StepwiseData

CLICKS = ClickRecipe()


class ClickData(StepwiseData[Item]):
    """Views of a data set for training, whole photographs of it for validation.

    Args:
        root: folder of the data set.
        dataset: its name, see ``ihp_backend.datasets.DATASETS``.
        steps: training steps; the data last exactly one epoch of that many.
        batch_size: views per step and process.
        size: (height, width) of a view.
        scales: smallest and largest scale of a view.
        left_out: labels that the network shall not learn; their pixels do not count.
        clicks: how the simulated annotators click.
        validation_photographs: number of val photographs looked at during training (the first ones).
        validation_scale: their scale; that at which the network will work.
        workers: processes that prepare views.
        seed: of views and clicks.
        options: what is assumed about the data set's files otherwise, see ``ihp_backend.datasets.open_dataset``.

    Raises:
        FileNotFoundError, ValueError: the data set is not there or has no photographs to train on, or has no such label
            to leave out, or a number cannot be used.
    """

    def __init__(
        self,
        root: Path,
        dataset: str = "ccp",
        steps: int = 4000,
        batch_size: int = 8,
        size: tuple[int, int] = (320, 192),
        scales: tuple[float, float] = (0.5, 1.5),
        clicks: ClickRecipe = CLICKS,
        validation_photographs: int = 40,
        validation_scale: float = 1.0,
        workers: int = 1,
        left_out: tuple[str, ...] = (),
        seed: int = 0,
        options: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(root, dataset, steps, batch_size, workers, seed, options)
        require_views(size, scales, validation_photographs, validation_scale)
        self.left_out = left_out
        self.size, self.scales, self.clicks = size, scales, clicks
        self.validation_photographs, self.validation_scale = validation_photographs, validation_scale

    def samples(self, split: str) -> ParsingDataset:
        """A split of the data set, without the labels that are left out."""
        samples = super().samples(split)
        return without_labels(samples, self.left_out) if self.left_out else samples

    def items(self, samples: ParsingDataset, length: int) -> ClickedViews:
        """Random views with simulated clicks."""
        return ClickedViews(samples, length, self.size, self.scales, self.clicks, self.seed)

    def val_dataloader(self) -> DataLoader[Item]:
        """This process's share of the single whole photographs with central clicks."""
        views = CentralViews(self.samples("val"), self.validation_scale, self.clicks, self.seed)
        return self.first_of(views, self.validation_photographs)
