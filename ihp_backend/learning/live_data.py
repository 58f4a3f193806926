"""Training and validation data of the live network: views in which pieces of labels are labels of their own."""

from __future__ import annotations

from typing import Any

from ihp_backend.datasets import ParsingDataset
from ihp_backend.labels import IGNORE
from ihp_backend.learning.click_data import ClickData
from ihp_backend.learning.click_views import ClickedViews
from ihp_backend.learning.live_recipe import LIVE_RECIPE
from ihp_backend.learning.sub_parts import SubPartRecipe


class LiveData(ClickData):
    """``ClickData`` with pieces.

    Args:
        args, kwargs: of ``ClickData``.
        sub_parts: how pieces are drawn.

    Raises:
        FileNotFoundError, ValueError: see ``ClickData``; or the labels and their pieces do not fit into 8 bits.
    """

    def __init__(self, *args: Any, sub_parts: SubPartRecipe = LIVE_RECIPE.sub_parts, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sub_parts = sub_parts

    def items(self, samples: ParsingDataset, length: int) -> ClickedViews:
        """Random views with simulated clicks, on pieces, too."""
        if not self.sub_parts.share:
            return super().items(samples, length)
        if 2 * len(samples.labels) > IGNORE:
            raise ValueError(
                f"sub_parts.share: {self.sub_parts.share} of the views have pieces of {len(samples.labels)} labels, "
                f"and there is room for {IGNORE // 2}; set it to 0"
            )
        return ClickedViews(samples, length, self.size, self.scales, self.clicks, self.seed, self.sub_parts)
