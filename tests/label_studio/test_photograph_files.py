"""Photographs of an export, found however their names are written."""

from __future__ import annotations

import shutil
import unicodedata
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihp_backend.label_studio.annotations.export_dataset import ExportDataset
from ihp_backend.label_studio.annotations.photograph_files import PhotographFiles

CASES = Path(__file__).parents[1] / "cases" / "14-export-file-names"


@pytest.mark.parametrize("name", ["windows", "percent"])
def test_the_photographs_of_the_case(name: str) -> None:
    for split, count in (("train", 11), ("val", 1)):
        dataset = ExportDataset(CASES / name, split)
        assert len(dataset) == count
        assert dataset[0].image.shape == (60, 40, 3)
        assert "found by the end of the address" in dataset.assumptions["images"]


LOCAL = "/data/local-files/?d="
NFC, NFD = (unicodedata.normalize(form, "décran.png") for form in ("NFC", "NFD"))


@pytest.mark.parametrize(
    ("address", "file"),
    [
        ("/data/local-files/?d=shots%5Cp1.png", "p1.png"),
        ("/data/local-files/?d=shots%5Cp1.png", "shots/p1.png"),
        ("/data/local-files/?d=shots\\deep\\p1.png", "deep/p1.png"),
        (r"C:\Users\me\shots\p1.png", "shots/p1.png"),
        (r"\\server\share\p1.png", "p1.png"),
        ("file:///C:/Users/me/p1.png", "p1.png"),
        ("/data/upload/4/ab12cd34-d%C3%A9cran.png", "ab12cd34-d%C3%A9cran.png"),
        ("/data/upload/4/ab12cd34-d%C3%A9cran.png", "ab12cd34-décran.png"),
        ("/data/upload/4/ab12cd34-d%C3%A9cran.png", "décran.png"),
        ("/data/upload/4/ab12cd34-d%25C3%25A9cran.png", "décran.png"),
        ("/data/upload/4/" + quote(NFC), NFD),
        ("/data/upload/4/" + quote(NFD), NFC),
        (LOCAL + unicodedata.normalize("NFC", "é/a.png"), unicodedata.normalize("NFD", "é/a.png")),
        (LOCAL + "my+photo.png", "my photo.png"),
        (LOCAL + "my+photo.png", "my+photo.png"),
        (LOCAL + "my%2Bphoto.png", "my+photo.png"),
        (LOCAL + "my%20photo.png", "my photo.png"),
        (LOCAL + "a&b=c.png", "a&b=c.png"),
        ("/data/local-files?d=a.png", "a.png"),
        ("/storage-data/uploaded/?filepath=upload%2F4%2Fab12cd34-a.png", "upload/4/ab12cd34-a.png"),
        ("/data/upload/4/a#1.png", "a#1.png"),
        ("/data/upload/4/what?.png", "what?.png"),
        ("/data/upload/4/a.PNG", "a.png"),
        ("/data/upload/4/a.png", "a.Png"),
        ("s3://bucket/folder/a.png", "bucket/folder/a.png"),
        ("https://example.org/a.png?X-Amz-Signature=secret", "a.png"),
    ],
)  # fmt: skip
def test_found(address: str, file: str, tmp_path: Path) -> None:
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_bytes(b"photograph")
    files = PhotographFiles([tmp_path])
    (found,) = files.find_all([("1", address)])
    assert isinstance(found, Path)
    assert found.read_bytes() == b"photograph"
    told = files.assumptions()["images"]
    assert "1 photograph was found by the end of the address" in told
    assert "secret" not in told


def test_the_longest_end_of_the_address_counts(tmp_path: Path) -> None:
    for file in ("a.png", "b c/a.png", "x/b c/a.png"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes(b"")
    found = PhotographFiles([tmp_path]).find_all([("1", LOCAL + "x/b+c/a.png")])
    assert found == [tmp_path / "x/b c/a.png"]


@pytest.mark.parametrize("path", ["..%2Fsecret.png", "..%5Csecret.png", "x%5C..%5C..%5Csecret.png"])
def test_does_not_leave_its_folder(path: str, tmp_path: Path) -> None:
    (tmp_path / "images/x").mkdir(parents=True)
    (tmp_path / "secret.png").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match=r"images: the photographs of task 1"):
        PhotographFiles([tmp_path / "images"]).find_all([("1", LOCAL + path)])


def test_one_file_for_two_photographs_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    addresses = [("1", "/data/upload/4/a.png"), ("2", "/data/upload/5/a.png")]
    with pytest.raises(ValueError, match=r"a\.png would be the photograph of .*/4/a\.png and of .*/5/a\.png"):
        PhotographFiles([tmp_path]).find_all(addresses)
    assert len(PhotographFiles([tmp_path], shared=True).find_all(addresses)) == 2
    same = [
        ("1", "/data/upload/4/a.png"),
        ("2", "http://studio.example/data/upload/4/a.png"),
        ("3", "upload%5C4%5Ca.png"),
    ]
    assert len(PhotographFiles([tmp_path]).find_all(same)) == 3


def test_names_without_their_digits_are_told(tmp_path: Path) -> None:
    (tmp_path / "me.png").write_bytes(b"")
    files = PhotographFiles([tmp_path])
    files.find_all([("1", "/data/upload/4/ab12cd34-me.png")])
    assert "1 of them without the eight digits that Label Studio puts before a name" in files.assumptions()["images"]


@given(st.one_of(st.text(max_size=60), st.integers(), st.none(), st.text("/\\%.d?=#&:[]é\0", max_size=30)))
def test_any_address_is_found_or_named(address: object) -> None:
    files = PhotographFiles([CASES / "windows" / "images"])
    try:
        (found,) = files.find_all([("7", address)])
    except FileNotFoundError as error:
        found = str(error)
    assert isinstance(found, Path) or "task 7" in found or found == address


@pytest.mark.timeout(60)  # Hours, where every end of the address is looked for.
def test_an_address_with_many_folders_is_not_found_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="images: the photographs of task 1"):
        PhotographFiles([tmp_path]).find_all([("1", "/data/" + "a/" * 100_000 + "b.jpg")])


def test_an_export_of_another_computer(tmp_path: Path) -> None:
    """Nothing is found by its address, so the folder is given."""
    root = shutil.copytree(CASES / "windows", tmp_path / "export")
    (root / "images").rename(tmp_path / "photographs")
    with pytest.raises(FileNotFoundError, match=r"copy them there from Label Studio's media folder, or give images"):
        ExportDataset(root, "train")
    assert len(ExportDataset(root, "train", images=tmp_path / "photographs")) == 11
