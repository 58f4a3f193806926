"""Data sets, one file each; every one yields Sample(image, parsing, id)."""

from ihp_backend.datasets.ccp import CcpDataset
from ihp_backend.datasets.sample import ParsingDataset, Sample

__all__ = ["CcpDataset", "ParsingDataset", "Sample"]
