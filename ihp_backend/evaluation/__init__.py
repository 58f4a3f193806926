"""The interaction protocol: simulated annotators, what is counted under them, curves, tables and plots."""

from ihp_backend.evaluation.annotator import Annotator
from ihp_backend.evaluation.classical import NearestClick, Watershed
from ihp_backend.evaluation.click_parser import ClickParser
from ihp_backend.evaluation.confusion import (
    confusion_matrix,
    intersection_over_union,
    mean_f1,
    mean_iou,
    mean_iou_of_all_labels,
)
from ihp_backend.evaluation.curve import Curve, NumberOfClicks
from ihp_backend.evaluation.interaction import evaluate
from ihp_backend.evaluation.near_edge import near_edge
from ihp_backend.evaluation.plots import plot_curves
from ihp_backend.evaluation.protocol import annotate
from ihp_backend.evaluation.provenance import provenance
from ihp_backend.evaluation.record import Record
from ihp_backend.evaluation.recovery import Recovery, recovery
from ihp_backend.evaluation.summary import summarise

__all__ = [
    "Annotator",
    "ClickParser",
    "Curve",
    "NearestClick",
    "NumberOfClicks",
    "Record",
    "Recovery",
    "Watershed",
    "annotate",
    "confusion_matrix",
    "evaluate",
    "intersection_over_union",
    "mean_f1",
    "mean_iou",
    "mean_iou_of_all_labels",
    "near_edge",
    "plot_curves",
    "provenance",
    "recovery",
    "summarise",
]
