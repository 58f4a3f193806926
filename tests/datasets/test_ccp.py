"""CCP person crops on a tiny tree, and on the real ones where IHP_CCP_ROOT names their folder."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ihp_backend.datasets import CcpDataset, CcpGarmentsDataset, CcpHuman18Dataset, SampleError, open_dataset
from ihp_backend.datasets.ccp import HUMAN18_TABLE
from ihp_backend.labels import HUMAN18

real = pytest.mark.skipif(
    "IHP_CCP_ROOT" not in os.environ, reason="IHP_CCP_ROOT does not name the folder of the CCP person crops"
)


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
    with pytest.raises(FileNotFoundError, match=r"root: .* lacks images and masks24 and split\.json; give the folder"):
        CcpDataset(tmp_path, "train")
    with pytest.raises(ValueError, match=r"split: 'test' does not exist; .* has train, val"):
        CcpDataset(ccp_tree, "test")
    root = shutil.copytree(ccp_tree, tmp_path / "ccp")
    Image.new("RGB", (10, 10)).save(root / "images" / "0000.jpg")
    with pytest.raises(SampleError, match=r"0000\.png: 80 x 150 pixels, but 0000\.jpg has 10 x 10; give both"):
        CcpDataset(root, "train")[0]
    (root / "split.json").write_text("[]")
    with pytest.raises(ValueError, match=r"split\.json: .*; it maps split names to lists of ids"):
        CcpDataset(root, "train")


def test_garments_become_the_labels_people_drew(ccp_tree: Path, tmp_path: Path) -> None:
    root = shutil.copytree(ccp_tree, tmp_path / "ccp")
    (root / "masks59").mkdir()
    garments = np.full((150, 80), 255, np.uint8)
    # nothing, accessories, boots, glasses, skin, t-shirt, wedges: their places in the alphabet
    garments[:7] = np.array([0, 1, 7, 17, 41, 51, 58], np.uint8)[:, None]
    Image.fromarray(garments).save(root / "masks59" / "0000.png")
    dataset = open_dataset("ccp-human18", root, "train")
    assert dataset.labels is HUMAN18
    wanted = ["background", "accessory", "shoes", "sunglasses", "skin", "upper clothes", "shoes"]
    parsing = dataset[0].parsing
    assert [HUMAN18.names[label] for label in parsing[:7, 0]] == wanted
    assert (parsing[7:] == 255).all()
    undivided = open_dataset("ccp-garments", root, "train")
    found = [undivided.labels.names[label] for label in undivided[0].parsing[:7, 0]]
    assert found == ["background", "accessories", "boots", "glasses", "skin", "t-shirt", "wedges"]
    assert len(undivided.labels) == 59


@real
def test_the_real_garments_are_in_that_order() -> None:
    root = Path(os.environ["IHP_CCP_ROOT"])
    assert list(HUMAN18_TABLE) == json.loads((root / "lut59.json").read_text())["lut59_to_HUMAN18"]


@real
@pytest.mark.parametrize("kind", [CcpDataset, CcpHuman18Dataset, CcpGarmentsDataset])
@pytest.mark.parametrize(("split", "count"), [("train", 701), ("val", 150)])
def test_the_real_photographs(kind: type[CcpDataset], split: str, count: int) -> None:
    dataset = kind(Path(os.environ["IHP_CCP_ROOT"]), split)
    assert len(dataset) == count
    for index in range(0, count, 50):
        sample = dataset[index]
        assert max(sample.parsing.shape) == 512
        assert len(np.unique(sample.parsing)) >= 4
