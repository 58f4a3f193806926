"""Plain cross-entropy, what the other losses are compared with."""

from __future__ import annotations

from torch import Tensor, nn

from ihp_backend.labels import IGNORE
from ihp_backend.losses.pixels import mean_over_images, pixel_cross_entropy


class CrossEntropy(nn.Module):
    """The mean cross-entropy per image, averaged over the batch; clicks and rareness of labels do not matter."""

    def forward(self, logits: Tensor, parsing: Tensor, click_maps: Tensor) -> Tensor:
        """The mean over all pixels that are not ignored; 0 where there is none.

        Args:
            logits: float (N, num_labels, H, W).
            parsing: int64 (N, H, W), 255 = ignore.
            click_maps: uint8 (N, num_labels, H, W); not used, so that one loss can stand in for another.
        """
        return mean_over_images(pixel_cross_entropy(logits, parsing), parsing != IGNORE)
