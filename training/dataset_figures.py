"""Published figures of the data sets: photographs per split, and what IHP's figures imply about clicks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_PERSON_CROPS = {"train": {701: "person crops"}, "val": {150: "person crops"}}

COUNTS: Mapping[str, Mapping[str, Mapping[int, str]]] = {
    "ccp": _PERSON_CROPS,
    "ccp-human18": _PERSON_CROPS,
    "ccp-atr": _PERSON_CROPS,
    "ccp-garments": _PERSON_CROPS,
    "lip": {"train": {30_462: "as published"}, "val": {10_000: "as published"}},
    "cihp": {"train": {28_280: "as published"}, "val": {5_000: "as published"}},
    "pascal-person-part": {"train": {1_716: "as published"}, "val": {1_817: "as published"}},
    "helen": {"train": {2_000: "exemplars"}, "val": {230: "tuning"}, "test": {100: "testing"}},
    "atr": {
        "train": {
            6_699: "RPR's list: training and validation photographs of ATR alone",
            6_703: "the list of Hierarchical Human Parsing: ATR alone",
            16_000: "with Chictopia10k; its test photographs are not those of the ATR papers",
            16_706: "Graphonomy's list; it has 833 of the usual test photographs in it, so do not test on those",
        },
        "val": {
            700: "of the split 16,000 / 700 / 1,000",
            1_000: "RPR's list, which is the usual test split; choose nothing on it",
        },
        "test": {1_000: "of the usual number; whether they are the usual ones, their list tells"},
    },
}
"""Data set -> split -> known number of photographs -> which list has it."""


@dataclass(frozen=True)
class Implied:
    """Figures that IHP's tables imply for a split, worked out from its numbers of clicks.

    Attributes:
        labels: labels per photograph, the background included (the paper's K).
        initial_clicks: clicks per photograph before the first correction; None where nothing can be said.
    """

    labels: float
    initial_clicks: float | None = None


IMPLIED: Mapping[str, Mapping[str, Implied]] = {
    "lip": {"val": Implied(8.2, 9.0)},
    "cihp": {"val": Implied(9.8)},
    "pascal-person-part": {"val": Implied(6.1, 12.3)},
    "helen": {"val": Implied(11.0, 11.0)},
}
"""Data set -> split -> what the slopes and starting points of IHP's Table III and IV come to."""
