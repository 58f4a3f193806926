"""The data-set confusion matrix and the measures of parsing papers that are made of it.

The matrices of all photographs are added up before anything is divided: a mean over photographs is another number.

Some papers have precision and recall exchanged: ``val/f1_eval_atr.py`` of Hierarchical Human Parsing (HHP) prints the
mean of hits over *true* pixels as precision. RPR ("Enhancing human parsing with region-level learning") probably took
that over: on ATR its precision is below its recall, while the methods before it have more precision than recall. Here
both are what their names say. F1 is the same either way.
"""

from __future__ import annotations

from statistics import harmonic_mean

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
    hit = np.diag(confusion)
    return _ratios(hit, confusion.sum(0) + confusion.sum(1) - hit)


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


def pixel_accuracy(confusion: NDArray[np.integer]) -> float:
    """Share of all pixels that have their true label, in percent (Long et al. 2015; SSL's "overall accuracy").

    Examples:
        >>> pixel_accuracy(np.array([[6, 0], [1, 1]]))
        87.5
    """
    return _percent(np.diag(confusion).sum(), confusion.sum())


def foreground_accuracy(confusion: NDArray[np.integer]) -> float:
    """Share of the pixels of all parts that have their true label, in percent ("F.G. accuracy" of ATR, HHP and RPR).

    Background that is taken for a part costs nothing.

    Examples:
        >>> foreground_accuracy(np.array([[6, 0], [1, 1]]))
        50.0
    """
    return _percent(np.diag(confusion)[1:].sum(), confusion[1:].sum())


def recalls(confusion: NDArray[np.integer]) -> NDArray[np.float64]:
    """Hits over true pixels of each label, float (num_labels,); NaN for a label that does not occur.

    Examples:
        >>> recalls(np.array([[6, 0], [1, 1]])).tolist()
        [1.0, 0.5]
    """
    return _ratios(np.diag(confusion), confusion.sum(1))


def precisions(confusion: NDArray[np.integer]) -> NDArray[np.float64]:
    """Hits over predicted pixels of each label, float (num_labels,); NaN as in ``intersection_over_union``.

    A label that occurs but was never predicted has 0: else a network would gain by never finding what is rare.

    Examples:
        >>> precisions(np.array([[3, 1, 0], [0, 1, 0], [1, 0, 0]])).tolist()
        [0.75, 0.5, 0.0]
    """
    predicted = confusion.sum(0)
    missed = (predicted == 0) & (confusion.sum(1) > 0)
    return _ratios(np.diag(confusion), np.where(missed, 1, predicted))


def f1_scores(confusion: NDArray[np.integer]) -> NDArray[np.float64]:
    """Harmonic mean of precision and recall of each label, float (num_labels,); NaN as in ``intersection_over_union``.

    Examples:
        >>> f1_scores(np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0]])).round(4).tolist()
        [0.6667, 0.6667, nan]
    """
    return _ratios(2 * np.diag(confusion), confusion.sum(0) + confusion.sum(1))


def mean_recall(confusion: NDArray[np.integer]) -> float:
    """Mean recall in percent over the labels that occur: the "mean accuracy" of Long et al. (2015), SSL and RPR.

    HHP's code, and so probably RPR on ATR, prints it as precision.

    Examples:
        >>> mean_recall(np.array([[6, 0], [1, 1]]))
        75.0
    """
    return float(np.nanmean(recalls(confusion)) * 100)


def mean_precision(confusion: NDArray[np.integer]) -> float:
    """Mean precision in percent, labels as in ``mean_iou``.

    HHP's code, and so probably RPR on ATR, prints it as recall.

    Examples:
        >>> mean_precision(np.array([[3, 0], [1, 1]]))
        87.5
    """
    return float(np.nanmean(precisions(confusion)) * 100)


def mean_f1(confusion: NDArray[np.integer]) -> float:
    """Mean F1 in percent, labels as in ``mean_iou``: the average F1 of Co-CNN and others on ATR.

    Examples:
        >>> round(mean_f1(np.array([[1, 0], [1, 1]])), 2)
        66.67
    """
    return float(np.nanmean(f1_scores(confusion)) * 100)


def f1_of_means(confusion: NDArray[np.integer]) -> float:
    """Harmonic mean of mean precision and mean recall, in percent: the F1 of HHP's code and of RPR's own rows on ATR.

    Examples:
        >>> round(f1_of_means(np.array([[3, 0], [1, 1]])), 2)
        80.77
    """
    return harmonic_mean([mean_precision(confusion), mean_recall(confusion)])


def _ratios(part: NDArray[np.integer], whole: NDArray[np.integer]) -> NDArray[np.float64]:
    """NaN where the whole is 0."""
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)


def _percent(part: np.integer, whole: np.integer) -> float:
    return float(100 * part / whole) if whole else float("nan")
