"""Training and validation data of the live network: views in which pieces of labels are labels of their own."""

from __future__ import annotations

from pathlib import Path

from ihp_backend.datasets import ParsingDataset
from ihp_backend.labels import IGNORE
from ihp_backend.learning.carving import CarvingRecipe
from ihp_backend.learning.click_data import CLICKS, ClickData
from ihp_backend.learning.click_recipe import ClickRecipe
from ihp_backend.learning.click_views import ClickedViews

CARVING = CarvingRecipe()


class LiveData(ClickData):
    """``ClickData`` with pieces.

    Args:
        root, dataset, steps, batch_size, size, scales, clicks, validation_photographs, validation_scale, workers,
            left_out, seed: see ``ClickData``.
        carving: how pieces are drawn.

    Raises:
        FileNotFoundError, ValueError: see ``ClickData``; or the labels and their pieces do not fit into 8 bits.
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
        carving: CarvingRecipe = CARVING,
        validation_photographs: int = 40,
        validation_scale: float = 1.0,
        workers: int = 1,
        left_out: tuple[str, ...] = (),
        seed: int = 0,
    ) -> None:
        super().__init__(
            root, dataset, steps, batch_size, size, scales, clicks, validation_photographs, validation_scale, workers,
            left_out, seed,
        )  # fmt: skip
        self.carving = carving

    def items(self, samples: ParsingDataset, length: int) -> ClickedViews:
        """Random views with simulated clicks, on pieces, too."""
        if self.carving.share and 2 * len(samples.labels) > IGNORE:
            raise ValueError(
                f"carving.share: {self.carving.share} of the views have pieces of {len(samples.labels)} labels, and "
                f"there is room for {IGNORE // 2}; set it to 0"
            )
        return ClickedViews(samples, length, self.size, self.scales, self.clicks, self.seed, self.carving)
