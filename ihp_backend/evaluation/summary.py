"""The figures of a run as plain numbers, ready for JSON and CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ihp_backend.evaluation.confusion import intersection_over_union
from ihp_backend.evaluation.curve import Curve
from ihp_backend.labels import LabelSet

STANDARDS = (75.0, 80.0, 85.0)
"""mIoU in percent at which Add. and Avg. are read: the paper's for Helen, PASCAL-Person-Part and CIHP, and LIP."""

THRESHOLDS = (85.0, 90.0)
"""A photograph's own mIoU in percent at which the number of clicks is read."""

MEASURES = {
    "mean_iou": Curve.mean_ious,
    "mean_iou_of_all_labels": Curve.mean_ious_of_all_labels,
    "near_edge_mean_iou": Curve.near_edge_ious,
    "near_edge_f1": Curve.near_edge_f1s,
    "obeyed": lambda curve: curve.shares("obeyed", "given"),
    "kept": lambda curve: curve.shares("kept", "standing"),
    "changed_far": lambda curve: curve.shares("changed_far", "far"),
    "damaged": lambda curve: curve.shares("damaged", "right"),
}
"""Measures that have a value per round: mIoU and F1 in percent, the others as shares; see ``Curve`` and ``Record``."""


def summarise(curves: Sequence[Curve], labels: LabelSet) -> dict[str, Any]:
    """The figures of one model and annotator: lists over seeds, each a list over rounds."""
    return {
        "photographs": len(curves[0].photographs),
        "seeds": [curve.seed for curve in curves],
        "labels_per_photograph": float(curves[0].sums["labels_present"] / len(curves[0].photographs)),
        "initial_clicks_per_photograph": [float(curve.sums["given"][0] / len(curve.photographs)) for curve in curves],
        "clicks_per_label": [curve.clicks_per_label() for curve in curves],
        **{name: [by_round(curve) for curve in curves] for name, by_round in MEASURES.items()},
        "additional_clicks": {
            f"{standard:g}": [at_standard(curve, standard) for curve in curves] for standard in STANDARDS
        },
        "number_of_clicks": {
            f"{threshold:g}": [asdict(curve.number_of_clicks(threshold)) for curve in curves]
            for threshold in THRESHOLDS
        },
        "all_rounds": [
            {
                "obeyed": curve.share("obeyed", "given"),
                "changed_far": curve.share("changed_far", "far"),
                "damaged": curve.share("damaged", "right"),
            }
            for curve in curves
        ],
        "labels": {
            name: [[_percent(ious[label]) for ious in by_round] for by_round in map(_label_ious, curves)]
            for label, name in enumerate(labels.names)
        },
    }


def at_standard(curve: Curve, standard: float) -> dict[str, float | int] | None:
    """Add. and Avg. of Table III at a standard of mIoU in percent; None where it is never reached."""
    add = curve.additional_clicks(standard)
    return None if add is None else {"add": add, "avg": curve.clicks_per_label()[add]}


def mean_and_spread(values: Sequence[Sequence[float]]) -> tuple[list[float], list[float]]:
    """Mean and standard deviation over seeds by round; the spread is NaN for a single seed."""
    array = np.array(values, np.float64)
    spread = array.std(0, ddof=1) if len(array) > 1 else np.full(array.shape[1], np.nan)
    return array.mean(0).tolist(), spread.tolist()


def write_json(path: Path, record: Mapping[str, Any]) -> None:
    """Writes figures as JSON, in which what is not a number is null."""
    path.write_text(json.dumps(_plain(record), indent=1, allow_nan=False) + "\n")


def write_curve(path: Path, curves: Sequence[Curve]) -> None:
    """mIoU after every correction as CSV, a column per seed."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["corrections", *(f"seed {curve.seed}" for curve in curves)])
        for round_, by_seed in enumerate(zip(*(curve.mean_ious() for curve in curves), strict=True)):
            rows.writerow([round_, *(f"{value:.4f}" for value in by_seed)])


def write_measures(path: Path, curves: Sequence[Curve]) -> None:
    """Writes every measure after every correction as CSV: mean over seeds, and spread in the column beside it."""
    measures = {"clicks_per_label": Curve.clicks_per_label, **MEASURES}
    columns: dict[str, list[float]] = {}
    for name, by_round in measures.items():
        columns[name], columns[f"{name}_spread"] = mean_and_spread([by_round(curve) for curve in curves])
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["corrections", *columns])
        for round_, values in enumerate(zip(*columns.values(), strict=True)):
            rows.writerow([round_, *("" if np.isnan(value) else f"{value:.6g}" for value in values)])


def write_labels(path: Path, curves: Sequence[Curve], labels: LabelSet) -> None:
    """IoU of every label after every correction as CSV, mean over seeds; empty for a label never seen."""
    by_label = np.array([_label_ious(curve) for curve in curves]).mean(0).T * 100
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["label", *range(by_label.shape[1])])
        for name, values in zip(labels.names, by_label, strict=True):
            rows.writerow([name, *("" if np.isnan(value) else f"{value:.4f}" for value in values)])


def _label_ious(curve: Curve) -> list[np.ndarray]:
    return [intersection_over_union(confusion) for confusion in curve.sums["confusions"]]


def _percent(iou: float) -> float:
    return float(iou * 100)


def _plain(value: Any) -> Any:
    """JSON has no NaN."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and np.isnan(value) else value
