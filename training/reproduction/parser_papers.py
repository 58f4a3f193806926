"""Figures printed in RPR ("Enhancing human parsing with region-level learning") and in SSL ("Look into Person")."""

from __future__ import annotations

ATR_MEASURES = ("pixel_accuracy", "foreground_accuracy", "mean_precision", "mean_recall", "f1_of_means")
ATR_TITLES = ("pixel accuracy", "foreground accuracy", "precision", "recall", "F1")

ATR: dict[str, tuple[float | None, ...]] = {
    "ce2p": (95.45, 85.10, 79.85, 82.37, 81.09),
    "ce2p-head": (95.63, 85.79, 81.01, 83.62, 82.29),
    "ce2p-body": (95.74, 86.21, 81.53, 83.40, 82.45),
    "ce2p-rpr": (95.80, 86.52, 82.05, 83.73, 82.88),
    "ce2p-three": (95.85, 86.65, 82.00, 83.86, 82.92),
    "ce2p-mid": (95.74, 86.20, 81.53, 83.40, 82.45),
    "ce2p-equal": (None, None, None, None, 82.57),
    "deeplab-v3": (None, None, None, None, 80.64),
    "deeplab-v3-rpr": (None, None, None, None, 81.84),
    "ocr": (None, None, None, None, 83.29),
    "ocr-rpr": (None, None, None, None, 83.70),
}
"""RPR's ablations on ATR, trained without Chictopia10k. Its precision and recall are probably exchanged (see
``evaluation.confusion``); the row of mid fusion repeats that of the body, which is probably a mistake."""

ATR_WITH_CHICTOPIA = {"ce2p-rpr": (96.25, 88.23, 84.18, 86.05, 85.11)}
"""RPR's Table 1, trained with Chictopia10k besides."""

LIP_MEASURES = ("pixel_accuracy", "mean_accuracy", "mean_iou")
LIP_TITLES = ("pixel accuracy", "mean accuracy", "mIoU")

LIP: dict[str, tuple[float | None, ...]] = {
    "deeplab-v2": (82.66, 51.64, 41.64),
    "attention": (83.43, 54.39, 42.92),
    "attention-ssl": (84.36, 54.94, 44.73),
    "deeplab-v2-ssl": (83.16, 52.55, 42.44),
    "ce2p": (None, None, 52.56),
    "ce2p-rpr": (87.62, 66.88, 55.17),
}
"""LIP's val split, from the tables of both papers."""

PASCAL_PERSON_PART: dict[str, tuple[float | None, ...]] = {
    "attention": (None, None, 56.39),
    "attention-ssl": (None, None, 59.36),
}

PARAMETERS = {"ce2p": 66.61, "ce2p-rpr": 113.65}
"""Millions, without batch norm."""

FRAMES_PER_SECOND = {"ce2p": 26.88, "ce2p-rpr": 20.18}
"""On a GTX 1080 Ti."""
