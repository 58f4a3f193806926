"""Confusion matrices and the interaction protocol."""

from ihp_backend.evaluation.confusion import confusion_matrix, intersection_over_union, mean_iou
from ihp_backend.evaluation.protocol import Annotator, Curve, interaction_curve

__all__ = ["Annotator", "Curve", "confusion_matrix", "interaction_curve", "intersection_over_union", "mean_iou"]
