"""Label sets: names of parts, their flip pairs, colours and regions; the benchmarks' sets; matching of names
and which of a model's labels become which of a project's."""

from ihp_backend.labels.benchmarks import (
    ATR,
    BENCHMARKS,
    CCP,
    CIHP,
    HELEN,
    HUMAN18,
    LIP,
    PASCAL_PERSON_PART,
    PASCAL_PERSON_PART_M2FP,
)
from ihp_backend.labels.label_set import ABSENT_LOGIT, IGNORE, LabelSet
from ihp_backend.labels.mapping import LabelMapping, map_labels
from ihp_backend.labels.matching import LabelMatch, match_labels
from ihp_backend.labels.spelling import is_background, mirror_pairs

__all__ = [
    "ABSENT_LOGIT",
    "ATR",
    "BENCHMARKS",
    "CCP",
    "CIHP",
    "HELEN",
    "HUMAN18",
    "IGNORE",
    "LIP",
    "PASCAL_PERSON_PART",
    "PASCAL_PERSON_PART_M2FP",
    "LabelMapping",
    "LabelMatch",
    "LabelSet",
    "is_background",
    "map_labels",
    "match_labels",
    "mirror_pairs",
]
