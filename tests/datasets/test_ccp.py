"""CCP person crops on a tiny tree."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ihp_backend.datasets import CcpDataset


def test_yields_photographs_with_label_ids(ccp_tree: Path) -> None:
    dataset = CcpDataset(ccp_tree, "train")
    assert len(dataset) == 4
    sample = dataset[1]
    assert sample.id == "0001"
    assert sample.image.shape == (160, 85, 3)
    assert sample.parsing.shape == (160, 85)
    assert set(np.unique(sample.parsing)) == {0, 2, 5, 9, 13, 18}
    np.testing.assert_array_equal(dataset.parsing(1), sample.parsing)


def test_says_what_is_wrong(ccp_tree: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"data: .*split\.json is missing; give the folder"):
        CcpDataset(tmp_path, "train")
    with pytest.raises(ValueError, match=r"split: 'test' does not exist; .* has train, val"):
        CcpDataset(ccp_tree, "test")
    root = shutil.copytree(ccp_tree, tmp_path / "ccp")
    Image.new("RGB", (10, 10)).save(root / "images" / "0000.jpg")
    with pytest.raises(ValueError, match=r"sample 0000: photograph \(10, 10\) and mask \(150, 80\) differ"):
        CcpDataset(root, "train")[0]
