"""Lets the scripts open Label Studio's exports by name, like any other data set.

The room of data sets cannot know them: it lies above that of Label Studio.
"""

from __future__ import annotations

from ihp_backend.datasets import DATASETS
from ihp_backend.label_studio.export_dataset import ExportDataset


def know_exports() -> None:
    """Adds the name ``label-studio``; its root is an exported JSON file or the folder that holds it."""
    DATASETS["label-studio"] = ExportDataset
