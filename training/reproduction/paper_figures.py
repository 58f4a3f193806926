"""Figures printed in "Clicking Matters: Towards Interactive Human Parsing", by table; mIoU and F1 in percent."""

from __future__ import annotations

TABLE_1_ROUNDS = (0, 2, 4, 6, 8, 10, 12, 15)
TABLE_1 = {
    "central": (79.00, 80.53, 80.71, 80.33, 80.31, 80.34, 80.32, 80.35),
    "random-only": (65.78, 67.46, 67.78, 67.90, 67.91, 68.25, 68.20, 68.17),
}
"""Table I, LIP: mIoU after so many corrections, trained with central clicks only and with random clicks only."""

TABLE_2_ROUNDS = (0, 5, 10, 15)
TABLE_2_F1 = {"random": (74.56, 82.49, 83.99, 84.93), "near-edge": (74.75, 82.76, 84.23, 85.10)}
TABLE_2_MEAN_IOU = {"random": (59.61, 70.41, 72.62, 74.10), "near-edge": (60.25, 71.42, 73.39, 74.97)}
"""Table II, LIP: within 5 pixels of the edges between parts."""

NEVER = None
TABLE_3: dict[str, dict[str, tuple[int, float] | None]] = {
    "lip": {
        "central": NEVER,
        "near-edge": (9, 2.19),
        "near-edge-sp": (7, 1.95),
        "random": (8, 2.07),
        "random-sp": (7, 1.95),
    },
    "pascal-person-part": {
        "central": NEVER,
        "near-edge": (15, 4.46),
        "near-edge-sp": (6, 3.02),
        "random": (10, 3.66),
        "random-sp": (6, 3.02),
    },
    "helen": {
        "central": NEVER,
        "near-edge": NEVER,
        "near-edge-sp": (1, 1.09),
        "random": (3, 1.27),
        "random-sp": (1, 1.09),
    },
}
"""Table III: Add. and Avg. at 85, 80 and 75 % mIoU. The near-edge cells with SP-loss for PASCAL-Person-Part and Helen
equal the random ones although the text says that this was run on LIP only: probably copied by mistake."""

TABLES_4_TO_6: dict[str, dict[str, tuple[float, float | None]]] = {
    "lip": {
        "no-clicks": (47.96, None),
        "ideeplab": (77.07, 3.52),
        "dextr": (81.86, 3.51),
        "random-sp": (87.44, 3.51),
    },
    "cihp": {"dextr": (76.77, 3.59), "random-sp": (83.83, 3.55)},
    "pascal-person-part": {
        "no-clicks": (61.48, None),
        "ideeplab": (65.90, 3.21),
        "dextr": (68.40, 3.34),
        "random-sp": (80.25, 3.02),
    },
    "helen": {"no-clicks": (55.07, None), "random-sp": (77.22, 2.85)},
}
"""Tables IV to VI: mIoU and clicks per label (Avg.). CIHP's DEXTR is "7.06 lower" than the paper's own in the text."""

TITLES = {"lip": "LIP", "cihp": "CIHP", "pascal-person-part": "PASCAL-Person-Part", "helen": "Helen"}
STANDARDS = {"lip": 85, "cihp": 80, "pascal-person-part": 80, "helen": 75}
"""mIoU in percent at which the paper reads Add. and Avg."""


def compared(dataset: str) -> str:
    """The data set of the paper to put beside figures of ``dataset``: itself, or LIP for one that the paper has not."""
    return dataset if dataset in TITLES else "lip"
