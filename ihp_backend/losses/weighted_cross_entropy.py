"""Cross-entropy that hears rare labels and clicks."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ihp_backend.labels import IGNORE


class WeightedCrossEntropy(nn.Module):
    """Cross-entropy in which rare labels and pixels near a click of their own label weigh more.

    Args:
        label_weights: float (num_labels,), see ``inverse_log_weights``.
        click_weight: a pixel at a click of its own label weighs ``1 + click_weight``, one out of reach 1.
    """

    def __init__(self, label_weights: Tensor, click_weight: float) -> None:
        super().__init__()
        self.register_buffer("label_weights", label_weights)
        self.label_weights: Tensor
        self.click_weight = click_weight

    def forward(self, logits: Tensor, parsing: Tensor, click_maps: Tensor) -> Tensor:
        """The weighted mean over all pixels that are not ignored.

        Args:
            logits: float (N, num_labels, H, W).
            parsing: int64 (N, H, W), 255 = ignore.
            click_maps: uint8 (N, num_labels, H, W), localization maps.
        """
        counted = parsing != IGNORE
        labels = parsing.where(counted, 0)
        nearness = 1 - click_maps.gather(1, labels[:, None])[:, 0].float() / 255
        weights = self.label_weights[labels] * (1 + self.click_weight * nearness) * counted
        return (cross_entropy(logits, labels, reduction="none") * weights).sum() / weights.sum().clamp(min=1e-6)


def inverse_log_weights(frequency: Tensor, floor: float = 1.1) -> Tensor:
    """Weights 1 / ln(floor + frequency), scaled to mean 1 (ENet, Paszke et al. 2016, section 5.2).

    Args:
        frequency: float (num_labels,), share of all pixels per label, summing to 1.
        floor: above 1; the smaller, the more a rare label weighs.
    """
    weights = 1 / torch.log(floor + frequency)
    return weights / weights.mean()
