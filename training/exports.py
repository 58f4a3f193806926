"""Lets the scripts open Label Studio's exports and accepted sets by name, like any other data set.

The room of data sets cannot know them: it lies above that of Label Studio.
"""

from __future__ import annotations

from ihp_backend.datasets import DATASETS
from ihp_backend.label_studio.export_dataset import ExportDataset
from ihp_backend.lessons.accepted_dataset import AcceptedDataset


def know_exports() -> None:
    """Adds the names ``label-studio`` (an exported JSON file or its folder) and ``accepted`` (an accepted set)."""
    DATASETS["label-studio"] = ExportDataset
    DATASETS["accepted"] = AcceptedDataset
