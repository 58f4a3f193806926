"""The figures of automatic parsing: all measures of a confusion matrix, of all labels and of each, for JSON and CSV."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ihp_backend.evaluation.confusion import (
    f1_of_means,
    f1_scores,
    foreground_accuracy,
    intersection_over_union,
    mean_f1,
    mean_iou,
    mean_iou_of_all_labels,
    mean_precision,
    mean_recall,
    pixel_accuracy,
    precisions,
    recalls,
)
from ihp_backend.labels import LabelSet

MEASURES = {
    "pixel_accuracy": pixel_accuracy,
    "foreground_accuracy": foreground_accuracy,
    "mean_accuracy": mean_recall,
    "mean_precision": mean_precision,
    "mean_recall": mean_recall,
    "mean_f1": mean_f1,
    "f1_of_means": f1_of_means,
    "mean_iou": mean_iou,
    "mean_iou_of_all_labels": mean_iou_of_all_labels,
}

MEASURES_OF_LABELS = {
    "precision": precisions,
    "recall": recalls,
    "f1": f1_scores,
    "iou": intersection_over_union,
}


def parsing_figures(confusion: NDArray[np.integer], labels: LabelSet) -> dict[str, Any]:
    """All measures in percent, each label's and its number of true pixels, and the confusion matrix itself.

    ``as_named_by_hhp`` has mean precision and mean recall under exchanged names, to be held against figures of papers
    that were computed so (see ``evaluation.confusion``).
    """
    figures = {name: measure(confusion) for name, measure in MEASURES.items()}
    of_labels = {name: (100 * measure(confusion)).tolist() for name, measure in MEASURES_OF_LABELS.items()}
    return {
        **figures,
        "as_named_by_hhp": {"mean_precision": figures["mean_recall"], "mean_recall": figures["mean_precision"]},
        "labels": {
            name: {"pixels": int(confusion[label].sum()), **{of: values[label] for of, values in of_labels.items()}}
            for label, name in enumerate(labels.names)
        },
        "confusion": confusion.tolist(),
    }


def write_label_figures(path: Path, figures: Mapping[str, Any]) -> None:
    """Each label's measures as CSV; empty where a label has none."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["label", "pixels", *MEASURES_OF_LABELS])
        for name, of_label in figures["labels"].items():
            values = (of_label[measure] for measure in MEASURES_OF_LABELS)
            rows.writerow([name, of_label["pixels"], *("" if np.isnan(value) else f"{value:.4f}" for value in values)])
