"""The data-set confusion matrix and the measures of parsing papers that are made of it.

The matrices of all photographs are added up before anything is divided: a mean over photographs is another number.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ihp_backend.labels import IGNORE


def confusion_matrix(parsing: NDArray[np.uint8], predicted: NDArray[np.uint8], num_labels: int) -> NDArray[np.int64]:
    """Pixel counts, int64 (num_labels, num_labels), rows true and columns predicted; ignored pixels left out.

    Both maps have one shape, whatever it is: chosen pixels may be given as a row.

    Raises:
        ValueError: the maps differ in size, or hold an id that is no label.

    Examples:
        >>> true, found = np.array([0, 1, 1, 255], np.uint8), np.array([0, 1, 0, 1], np.uint8)
        >>> confusion_matrix(true, found, num_labels=2).tolist()
        [[1, 0], [1, 1]]
    """
    if parsing.shape != predicted.shape:
        raise ValueError(f"predicted: {predicted.shape} and true parsing {parsing.shape} differ in size")
    counted = parsing != IGNORE
    true, found = parsing[counted].astype(np.int64), predicted[counted].astype(np.int64)
    largest = max(true.max(initial=0), found.max(initial=0))
    if largest >= num_labels:
        raise ValueError(f"label id {largest} found, but the label set ends at {num_labels - 1}")
    return np.bincount(true * num_labels + found, minlength=num_labels**2).reshape(num_labels, num_labels)


def intersection_over_union(confusion: NDArray[np.integer]) -> NDArray[np.float64]:
    """IoU of each label, float (num_labels,); NaN for a label that neither occurs nor was predicted.

    Examples:
        >>> intersection_over_union(np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0]])).tolist()
        [0.5, 0.5, nan]
    """
    hit = np.diag(confusion).astype(np.float64)
    union = confusion.sum(0) + confusion.sum(1) - np.diag(confusion)
    return np.divide(hit, union, out=np.full_like(hit, np.nan), where=union > 0)


def mean_iou(confusion: NDArray[np.integer]) -> float:
    """Mean IoU in percent over all labels that occur or were predicted, the background included.

    Examples:
        >>> mean_iou(np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0]]))
        50.0
    """
    return float(np.nanmean(intersection_over_union(confusion)) * 100)


def mean_iou_of_all_labels(confusion: NDArray[np.integer]) -> float:
    """Mean IoU in percent over the whole label set; a label that neither occurs nor was predicted counts as 0.

    Examples:
        >>> round(mean_iou_of_all_labels(np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0]])), 2)
        33.33
    """
    return float(np.nan_to_num(intersection_over_union(confusion)).mean() * 100)


def mean_iou_of_shown_labels(confusions: NDArray[np.integer]) -> NDArray[np.float64]:
    """Mean IoU in percent over the labels that occur, of many matrices at once: (..., labels, labels) to (...).

    By this two models are held against one another where photographs are few. A label that one of them finds where
    there is none costs those that are there what it takes from them, and not as much as a label that is never found.
    """
    hit = np.diagonal(confusions, axis1=-2, axis2=-1)
    true = confusions.sum(-1)
    union = true + confusions.sum(-2) - hit
    ious = np.divide(hit, union, out=np.zeros(hit.shape), where=true > 0)
    mean: NDArray[np.float64] = 100 * ious.sum(-1) / np.maximum((true > 0).sum(-1), 1)
    return mean


def mean_f1(confusion: NDArray[np.integer]) -> float:
    """Mean over labels of the harmonic mean of precision and recall, in percent, labels as in ``mean_iou``.

    Examples:
        >>> round(mean_f1(np.array([[1, 0], [1, 1]])), 2)
        66.67
    """
    hit = np.diag(confusion).astype(np.float64)
    both = confusion.sum(0) + confusion.sum(1)
    f1 = np.divide(2 * hit, both, out=np.full_like(hit, np.nan), where=both > 0)
    return float(np.nanmean(f1) * 100)
