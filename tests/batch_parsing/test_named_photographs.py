"""What is named on a command line is found, once, and its results get names that no other photograph's get."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihp_backend.batch_parsing.named_photographs import NamesError, find_photographs


def made(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def stems(folder: Path, *named: str, out: str = "out") -> list[str]:
    found = find_photographs([os.path.join(folder, name) for name in named], folder / out)
    return [photograph.stem for photograph in found.photographs]


def test_files_folders_and_globs_in_their_order_and_each_once(tmp_path: Path) -> None:
    made(tmp_path, "b.JPG", "a/2.png", "a/1.jpg", "a/b/c.webp", "a/x.txt", "a/._1.jpg", "a/.hidden/1.jpg", "c/[1].jpg")
    assert stems(tmp_path, "b.JPG", "a") == ["b", "a/1", "a/2", "a/b/c"]
    assert stems(tmp_path, "a/2.png", "a", "./b.JPG", "a/../b.JPG", "*.JPG") == ["a/2", "a/1", "a/b/c", "b"]
    assert stems(tmp_path, "**/*.[jp]*g") == ["a/1", "a/2", "c/[1]"]
    assert stems(tmp_path, "c/[1].jpg") == ["[1]"]
    assert stems(tmp_path, "a*") == ["a/1", "a/2", "a/b/c"]
    found = find_photographs([str(tmp_path / "a")], tmp_path / "out")
    assert (found.base, found.left_out) == (tmp_path / "a", Counter({".txt": 1}))


def test_names_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(tmp_path, "a.jpg", "b/a.jpg")
    monkeypatch.chdir(tmp_path)
    found = find_photographs(["a.jpg", "b", "*/*.jpg"], Path("out"))
    assert [(one.name, one.stem) for one in found.photographs] == [("a.jpg", "a"), ("b/a.jpg", "b/a")]


def test_a_file_that_is_named_is_taken_whatever_its_ending(tmp_path: Path) -> None:
    made(tmp_path, "scan.dat", "scan")
    assert stems(tmp_path, "scan.dat") == ["scan"]
    assert stems(tmp_path, "scan") == ["scan"]


def test_what_is_no_regular_file_is_left_out(tmp_path: Path) -> None:
    made(tmp_path, "a/1.jpg")
    os.mkfifo(tmp_path / "a" / "2.jpg")
    assert stems(tmp_path, "a") == ["1"]


def test_results_in_the_folder_are_no_photographs(tmp_path: Path) -> None:
    made(tmp_path, "a.jpg", "out/masks/a.png", "out/overlays/a.jpg")
    assert stems(tmp_path, ".", "*") == ["a"]
    assert stems(tmp_path, "out", out="elsewhere") == ["masks/a", "overlays/a"]


def test_a_name_does_not_depend_on_what_else_is_named(tmp_path: Path) -> None:
    made(tmp_path, "a.jpg", "a.png", "b.jpg", "b.txt", "C.jpg", "c.png")
    assert stems(tmp_path, ".") == ["C.jpg", "a.jpg", "a.png", "b", "c.png"]
    assert [stems(tmp_path, name) for name in ("a.jpg", "b.jpg", "c.png")] == [["a.jpg"], ["b"], ["c.png"]]


@given(st.sets(st.from_regex(r"[ab]/[ab](\.(jpg|png|jpg\.png|JPG))?", fullmatch=True), min_size=1))
def test_no_two_photographs_have_one_name(names: set[str]) -> None:
    with TemporaryDirectory() as folder:
        made(Path(folder), *names)
        found = stems(Path(folder), *names)
    # On some disks a.jpg and a.JPG are one file.
    assert len(set(map(str.casefold, found))) == len(set(map(str.casefold, names)))
    assert len(set(found)) == len(names)


def test_every_name_that_leads_nowhere_is_told(tmp_path: Path) -> None:
    made(tmp_path, "a.jpg", "texts/a.txt")
    with pytest.raises(NamesError) as told:
        stems(tmp_path, "a.jpg", "none.jpg", "texts", "*.png")
    first, second, third = str(told.value).splitlines()
    assert "none.jpg' is no file or folder" in first
    assert "texts' holds no photographs" in second
    assert "*.png' is no file or folder and matches none" in third
