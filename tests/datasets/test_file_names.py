"""Files of a data set whose names are not quite those of its lists and layouts."""

from __future__ import annotations

import shutil
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from ihp_backend.datasets import CcpDataset, SampleError, check_dataset, open_dataset
from ihp_backend.datasets.folders import Folders, is_debris, without_ending

from .trees import striped, write_helen, write_mask, write_pairs

CASES = Path(__file__).parents[1] / "cases"
NFC, NFD = (unicodedata.normalize(form, "Zoë_1") for form in ("NFC", "NFD"))


def lip(root: Path, *names: str, index: str | None = None) -> Path:
    """A validation split of LIP in its flat layout."""
    people = {name: striped((1, 13, 5)) for name in names}
    write_pairs(root, "val_images/{id}.jpg", "val_segmentations/{id}.png", people)
    if index is not None:
        (root / "val_id.txt").write_bytes(index.encode())
    return root


def test_a_list_of_powershell(tmp_path: Path) -> None:
    root = shutil.copytree(CASES / "13-utf16-list" / "lip", tmp_path / "lip")
    dataset = open_dataset("lip", root, "val")
    assert list(dataset.ids) == ["v000", "v001"]
    assert "val_id.txt lists the photographs (UTF-16, by its byte order mark); 2 listed" in dataset.assumptions["ids"]
    assert check_dataset(dataset).faults == []


@pytest.mark.parametrize(
    ("line", "file"),
    [
        (NFC, NFD),
        (NFD, NFC),
        ("1_2.JPG", "1_2"),
        ("val_images\\1_2.jpg", "1_2"),
        ("val_images/1_2.jpg", "1_2"),
        ("/val_images/1_2.jpg /val_segmentations/1_2.png", "1_2"),
        ("val_images\\1_2.jpg val_segmentations\\1_2.png", "1_2"),
        ("my photo 1", "my photo 1"),
        ("1_2 0 1", "1_2"),
        ("a.b.c", "a.b.c"),
    ],
)
def test_lines_name_files(line: str, file: str, tmp_path: Path) -> None:
    root = lip(tmp_path, file, "another", index=f"{line}\r\n")
    dataset = open_dataset("lip", root, "val")
    np.testing.assert_array_equal(dataset[0].parsing, striped((1, 13, 5)))
    assert len(dataset) == 1


def test_a_line_that_was_cut_is_told(tmp_path: Path) -> None:
    dataset = open_dataset("lip", lip(tmp_path, "1_2", index="1_2 0 1\n"), "val")
    assert list(dataset.ids) == ["1_2"]
    assert "of 1 line only the first word counts, for example of '1_2 0 1'" in dataset.assumptions["ids"]


@pytest.mark.parametrize("ending", [".JPG", ".jpeg", ".JPEG", ".png"])
def test_other_endings_are_taken_and_told_or_left_out(ending: str, tmp_path: Path) -> None:
    root = lip(tmp_path, "1_2", "1_3")
    (root / "val_images/1_2.jpg").rename(root / f"val_images/1_2{ending}")
    (root / "val_segmentations/1_2.png").rename(root / "val_segmentations/1_2.PNG")
    dataset = open_dataset("lip", root, "val")
    assert [dataset[index].id for index in range(2)] == ["1_2", "1_3"]
    told = dataset.assumptions["exact_names"]
    assert told.startswith(f"2 files were found though not named exactly so, for example val_images/1_2{ending} for")
    exact = open_dataset("lip", root, "val", {"exact_names": True})
    assert list(exact.ids) == ["1_3"]
    assert "exact_names" not in exact.assumptions


def test_a_mask_that_a_jpeg_changed_is_not_taken(tmp_path: Path) -> None:
    root = lip(tmp_path, "1_2", index="1_2")
    (root / "val_segmentations/1_2.png").rename(root / "val_segmentations/1_2.jpg")
    with pytest.raises(SampleError, match=r"1_2\.png: missing"):
        open_dataset("lip", root, "val")[0]


def test_what_an_operating_system_left_is_no_photograph(tmp_path: Path) -> None:
    root = lip(tmp_path, "1_2")
    for folder in ("val_images", "val_segmentations"):
        for name in ("._1_2.png", "._1_2.jpg", ".DS_Store", "Thumbs.db", "desktop.ini", "._x.png"):
            (root / folder / name).write_bytes(b"\0\5\x16\7")
    dataset = open_dataset("lip", root, "val")
    assert list(dataset.ids) == ["1_2"]
    assert check_dataset(dataset).faults == []
    assert is_debris("__MACOSX")
    assert not is_debris("_1.png")


def test_names_keep_their_dots() -> None:
    assert without_ending("a.b.JPG") == "a.b"
    assert without_ending("2008.5") == "2008.5"
    assert without_ending(".png") == ".png"


def test_the_exact_name_comes_first(tmp_path: Path) -> None:
    for name in ("a.JPG", "a.jpg", "b.JPG"):
        (tmp_path / name).write_text(name)
    folders = Folders()
    assert folders.find(tmp_path, "a.jpg") == tmp_path / "a.jpg"
    assert folders.find(tmp_path, "a.JPG") == tmp_path / "a.JPG"
    assert folders.find(tmp_path, "b.jpg") == tmp_path / "b.JPG"
    assert folders.find(tmp_path, "A.jpg") is None
    assert folders.find(tmp_path, "no/a.jpg") is None
    assert Folders(exact=True).find(tmp_path, "b.jpg") is None


def test_other_data_sets_too(ccp_tree: Path, tmp_path: Path) -> None:
    root = shutil.copytree(ccp_tree, tmp_path / "ccp")
    (root / "images/0000.jpg").rename(root / "images/0000.JPEG")
    (root / "split.json").write_bytes((root / "split.json").read_text().encode("utf-16"))
    dataset = CcpDataset(root, "train")
    assert dataset[0].id == "0000"
    assert "images/0000.JPEG for images/0000.jpg" in dataset.assumptions["exact_names"]
    helen = write_helen(tmp_path / "helen", {"1_1": np.zeros((11, 8, 8), np.uint8)}, "tuning.txt")
    (helen / "images/1_1.jpg").rename(helen / "images/1_1.JPG")
    (helen / "tuning.txt").write_bytes("1 , 1_1\r\n".encode("utf-16"))
    faces = open_dataset("helen", helen, "val")
    assert faces[0].image.shape == (8, 8, 3)
    assert "UTF-16" in faces.assumptions["ids"]
    assert "images/1_1.JPG for images/1_1.jpg" in faces.assumptions["exact_names"]
    with pytest.raises(SampleError, match=r"1_1\.jpg: missing"):
        open_dataset("helen", helen, "val", {"exact_names": True})[0]


@pytest.mark.parametrize("name", ["lip", "cihp", "pascal-person-part", "helen", "atr", "ccp", "ccp-human18"])
def test_a_root_that_is_not_there_is_missing(name: str, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"root: .*/nowhere is missing; give the folder") as caught:
        open_dataset(name, tmp_path / "nowhere", "train")
    assert "lacks" not in str(caught.value)
    (tmp_path / "lip.zip").write_bytes(b"PK")
    with pytest.raises(FileNotFoundError, match=r"root: .*lip\.zip is a file; unpack it if it is an archive, and give"):
        open_dataset(name, tmp_path / "lip.zip", "train")


def test_a_listed_photograph_twice_or_without_files(tmp_path: Path) -> None:
    root = lip(tmp_path, "1_2", "1_3", index="1_2\n\n1_2\nnobody\n")
    faults = [str(fault) for fault in check_dataset(open_dataset("lip", root, "val")).faults]
    assert [fault.partition(";")[0].rpartition("/")[2] for fault in faults] == [
        "1_2: listed 2 times", "nobody.jpg: missing"
    ]  # fmt: skip


def test_photographs_without_masks_are_told(tmp_path: Path) -> None:
    root = lip(tmp_path, "1_2", "1_3")
    (root / "val_segmentations/1_3.png").unlink()
    told = open_dataset("lip", root, "val").assumptions["ids"]
    assert told.startswith("no list is there (val_id.txt, list/val_id.txt, lists/val_id.txt); all 1 masks count")
    assert "1 more photographs have none" in told
    write_mask(root / "val_segmentations/1_9.png", striped((1, 2)))
    with pytest.raises(SampleError, match=r"1_9\.jpg: missing"):
        open_dataset("lip", root, "val")[1]
