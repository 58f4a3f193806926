"""Lists of ids as Windows, macOS and Linux write them."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihp_backend.datasets.text_files import decoded, read_lines

TEXT = "77_1\r\n\r\n  Zoë 2 \n77_3\r"
LINES = ["77_1", "Zoë 2", "77_3"]


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (TEXT.encode(), "UTF-8"),
        (TEXT.encode("utf-8-sig"), "UTF-8"),
        (codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"), "UTF-16"),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), "UTF-16"),
        (codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"), "UTF-32"),
        (codecs.BOM_UTF32_BE + TEXT.encode("utf-32-be"), "UTF-32"),
    ],
)
def test_lines_and_encodings(content: bytes, encoding: str, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(content)
    assert read_lines(tmp_path / "list.txt") == (LINES, encoding)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a\nb\nZoë\n".encode("latin-1"), r"list\.txt: line 3 is not UTF-8; save it as UTF-8"),
        ("a\nb\n".encode("utf-16-le"), r"list\.txt: line 1 is not UTF-8 \(it has null bytes, .*\); save it as UTF-8"),
        ("aé\nb\n".encode("utf-16-be"), r"list\.txt: line 1 is not UTF-8"),
        (codecs.BOM_UTF16_LE + b"a\0b", r"list\.txt: begins as UTF-16 but does not go on as such; save it as UTF-8"),
    ],
)
def test_other_encodings_are_named_with_file_and_line(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        read_lines(tmp_path / "list.txt")
    assert not isinstance(caught.value, UnicodeError)


def test_a_list_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"cannot be read \(Is a directory\)"):
        read_lines(tmp_path)


@given(st.binary(max_size=40))
def test_any_bytes_are_text_or_refused_in_words(content: bytes) -> None:
    refused = ""
    try:
        text, _ = decoded(content, "list.txt")
    except ValueError as error:
        text, refused = "", str(error)
    assert not refused or (refused.startswith("list.txt: ") and "codec" not in refused)
    assert "\0" not in text
