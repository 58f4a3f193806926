"""Confusion matrices and the interaction protocol."""

from ihp_backend.evaluation.confusion import confusion_matrix, intersection_over_union, mean_iou

__all__ = ["confusion_matrix", "intersection_over_union", "mean_iou"]
