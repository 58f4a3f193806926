"""Label sets: names of parts, their flip pairs, colours and regions; the benchmarks' sets; matching of names."""

from ihp_backend.labels.benchmarks import CCP
from ihp_backend.labels.label_set import IGNORE, LabelSet

__all__ = ["CCP", "IGNORE", "LabelSet"]
