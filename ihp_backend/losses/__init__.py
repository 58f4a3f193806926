"""Losses, one file each."""

from ihp_backend.losses.balanced_cross_entropy import BalancedCrossEntropy
from ihp_backend.losses.click_cross_entropy import ClickCrossEntropy
from ihp_backend.losses.cross_entropy import CrossEntropy
from ihp_backend.losses.joint_structure import JointStructure
from ihp_backend.losses.lovasz_softmax import LovaszSoftmax
from ihp_backend.losses.normalised_focal import NormalisedFocalLoss
from ihp_backend.losses.parser_loss import ParserLoss
from ihp_backend.losses.semantic_perceiving import SemanticPerceiving, SemanticPerceivingLoss
from ihp_backend.losses.soft_jaccard import SoftJaccard
from ihp_backend.losses.weighted_cross_entropy import WeightedCrossEntropy, inverse_log_weights

__all__ = [
    "BalancedCrossEntropy",
    "ClickCrossEntropy",
    "CrossEntropy",
    "JointStructure",
    "LovaszSoftmax",
    "NormalisedFocalLoss",
    "ParserLoss",
    "SemanticPerceiving",
    "SemanticPerceivingLoss",
    "SoftJaccard",
    "WeightedCrossEntropy",
    "inverse_log_weights",
]
