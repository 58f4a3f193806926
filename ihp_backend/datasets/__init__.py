"""Data sets, one file each; every one yields Sample(image, parsing, id)."""

from ihp_backend.datasets.ccp import CcpDataset, CcpHuman18Dataset
from ihp_backend.datasets.registry import DATASETS, open_dataset
from ihp_backend.datasets.sample import ParsingDataset, Sample, SampleError

__all__ = [
    "DATASETS",
    "CcpDataset",
    "CcpHuman18Dataset",
    "ParsingDataset",
    "Sample",
    "SampleError",
    "open_dataset",
]
