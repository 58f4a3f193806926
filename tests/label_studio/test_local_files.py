"""Local files: found however they are written, and never outside the root."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path
from urllib.parse import quote

import pytest

from ihp_backend.label_studio.web.image_errors import ImageFetchError
from ihp_backend.label_studio.web.local_files import read_local_file

ROUTE = "/data/local-files/?d="


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "folder").mkdir(parents=True)
    for name in ("a.jpg", "folder/b c.jpg", "50%.jpg", "a+b.jpg", "ü.jpg", "a&b=c.jpg"):
        (root / name).write_bytes(name.encode())
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (tmp_path / "root-too").mkdir()
    (tmp_path / "root-too" / "secret.jpg").write_bytes(b"secret")
    (root / "link-out.jpg").symlink_to(tmp_path / "secret.jpg")
    (root / "folder-out").symlink_to(tmp_path)
    (root / "link-in.jpg").symlink_to(root / "a.jpg")
    (root / "loop").symlink_to(root / "loop")
    os.mkfifo(root / "pipe")
    return root


@pytest.mark.parametrize("name", ["a.jpg", "folder/b c.jpg", "50%.jpg", "a+b.jpg", "ü.jpg", "a&b=c.jpg"])
@pytest.mark.parametrize("encode", [quote, lambda name: quote(name, safe=""), str])
def test_found(root: Path, name: str, encode: object) -> None:
    assert callable(encode)
    assert read_local_file(ROUTE + encode(name), root, 1000) == name.encode()


def test_a_plus_may_stand_for_a_space(root: Path) -> None:
    assert read_local_file(ROUTE + "folder/b+c.jpg", root, 1000) == b"folder/b c.jpg"
    assert read_local_file("/data/local-files?d=/a.jpg", root, 1000) == b"a.jpg"


@pytest.mark.parametrize(
    ("written", "file"),
    [
        ("folder%5Cb%20c.jpg", "folder/b c.jpg"),
        ("folder\\b c.jpg", "folder/b c.jpg"),
        ("folder%5Cb+c.jpg", "folder/b c.jpg"),
        ("%25C3%25BC.jpg", "ü.jpg"),
        (quote(unicodedata.normalize("NFD", "ü.jpg")), "ü.jpg"),
        (unicodedata.normalize("NFD", "ü.jpg"), "ü.jpg"),
    ],
)
def test_names_of_windows_and_macos(root: Path, written: str, file: str) -> None:
    assert read_local_file(ROUTE + written, root, 1000) == file.encode()


def test_names_kept_percent_encoded_or_decomposed_on_disk(root: Path) -> None:
    (root / "d%C3%A9cran.jpg").write_bytes(b"encoded")
    assert read_local_file(ROUTE + "d%C3%A9cran.jpg", root, 1000) == b"encoded"
    (root / unicodedata.normalize("NFD", "é.jpg")).write_bytes(b"decomposed")
    assert read_local_file(ROUTE + quote(unicodedata.normalize("NFC", "é.jpg")), root, 1000) == b"decomposed"
    (root / "folder\\odd.jpg").write_bytes(b"a backslash in its name")
    assert read_local_file(ROUTE + "folder%5Codd.jpg", root, 1000) == b"a backslash in its name"


def test_links_inside_are_followed(root: Path) -> None:
    assert read_local_file(ROUTE + "link-in.jpg", root, 1000) == b"a.jpg"
    assert read_local_file(ROUTE + "folder/../a.jpg", root, 1000) == b"a.jpg"


def test_the_root_may_be_a_link(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    assert read_local_file(ROUTE + "a.jpg", tmp_path / "link", 1000) == b"a.jpg"


@pytest.mark.parametrize(
    "name",
    [
        "../secret.jpg",
        "..%2fsecret.jpg",
        "%2e%2e/secret.jpg",
        "..%5csecret.jpg",
        "folder\\..\\..\\secret.jpg",
        "%252e%252e%252fsecret.jpg",
        "folder/../../secret.jpg",
        "../root-too/secret.jpg",
        "link-out.jpg",
        "folder-out/secret.jpg",
        "/etc/passwd",
        "//etc/passwd",
        "%2Fetc%2Fpasswd",
        "..",
        "",
        "folder",
        "missing.jpg",
        "a.jpg/b",
        "a.jpg%00",
        "loop",
        "pipe",
        "x" * 5000,
    ],
)
def test_not_read(root: Path, name: str) -> None:
    assert read_local_file(ROUTE + name, root, 1000) is None


def test_the_names_that_are_not_read_exist(root: Path, tmp_path: Path) -> None:
    """Otherwise `test_not_read` would pass for the wrong reason."""
    for name in ("../secret.jpg", "../root-too/secret.jpg", "link-out.jpg", "folder-out/secret.jpg"):
        assert (root / name).read_bytes() == b"secret"
    assert read_local_file(ROUTE + "secret.jpg", tmp_path, 1000) == b"secret"


@pytest.mark.parametrize("path", ["/data/upload/a.jpg", "/data/local-files/", "/data/local-files/?x=a.jpg", "a.jpg"])
def test_other_routes(root: Path, path: str) -> None:
    assert read_local_file(path, root, 1000) is None


def test_too_large(root: Path) -> None:
    assert read_local_file(ROUTE + "a.jpg", root, 5) == b"a.jpg"
    with pytest.raises(ImageFetchError, match=r"local-files/\?d=a.jpg: larger than max_bytes = 4"):
        read_local_file(ROUTE + "a.jpg", root, 4)


def test_not_readable(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*arguments: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    with pytest.raises(ImageFetchError, match=r"Permission denied.*local_files_root"):
        read_local_file(ROUTE + "a.jpg", root, 1000)
