"""Data sets, one file each; every one yields Sample(image, parsing, id)."""

from ihp_backend.datasets.atr import AtrDataset
from ihp_backend.datasets.ccp import CcpDataset, CcpGarmentsDataset, CcpHuman18Dataset
from ihp_backend.datasets.check import Fault, Report, check_dataset
from ihp_backend.datasets.cihp import CihpDataset
from ihp_backend.datasets.helen import HelenDataset
from ihp_backend.datasets.lip import LipDataset
from ihp_backend.datasets.other_labels import OtherLabels, in_labels_of_project, without_labels
from ihp_backend.datasets.pascal_person_part import PascalPersonPartDataset
from ihp_backend.datasets.registry import DATASETS, open_dataset, open_split, options_of
from ihp_backend.datasets.sample import ParsingDataset, Sample, SampleError, StoredDataset

__all__ = [
    "DATASETS",
    "AtrDataset",
    "CcpDataset",
    "CcpGarmentsDataset",
    "CcpHuman18Dataset",
    "CihpDataset",
    "Fault",
    "HelenDataset",
    "LipDataset",
    "OtherLabels",
    "ParsingDataset",
    "PascalPersonPartDataset",
    "Report",
    "Sample",
    "SampleError",
    "StoredDataset",
    "check_dataset",
    "in_labels_of_project",
    "open_dataset",
    "open_split",
    "options_of",
    "without_labels",
]
