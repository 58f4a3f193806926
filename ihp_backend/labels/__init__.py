"""Label sets: names of parts, their flip pairs, colours and regions; the benchmarks' sets; matching of names."""

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
    "LabelMatch",
    "LabelSet",
    "is_background",
    "match_labels",
    "mirror_pairs",
]
