"""Losses, one file each."""

from ihp_backend.losses.balanced_cross_entropy import BalancedCrossEntropy
from ihp_backend.losses.click_cross_entropy import ClickCrossEntropy
from ihp_backend.losses.cross_entropy import CrossEntropy
from ihp_backend.losses.normalised_focal import NormalisedFocalLoss
from ihp_backend.losses.semantic_perceiving import SemanticPerceiving, SemanticPerceivingLoss
from ihp_backend.losses.soft_jaccard import SoftJaccard
from ihp_backend.losses.weighted_cross_entropy import WeightedCrossEntropy, inverse_log_weights

__all__ = [
    "BalancedCrossEntropy",
    "ClickCrossEntropy",
    "CrossEntropy",
    "NormalisedFocalLoss",
    "SemanticPerceiving",
    "SemanticPerceivingLoss",
    "SoftJaccard",
    "WeightedCrossEntropy",
    "inverse_log_weights",
]
