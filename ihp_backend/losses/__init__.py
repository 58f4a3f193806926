"""Losses, one file each."""

from ihp_backend.losses.weighted_cross_entropy import WeightedCrossEntropy, inverse_log_weights

__all__ = ["WeightedCrossEntropy", "inverse_log_weights"]
