"""Text files from anywhere, also those that Windows' tools write as UTF-16 with a byte order mark."""

from __future__ import annotations

import codecs
from pathlib import Path

# UTF-32 first: its mark begins with that of UTF-16.
_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


def decoded(content: bytes, name: object) -> tuple[str, str]:
    """A text and its encoding: UTF-8, or what the byte order mark says.

    Args:
        content: the bytes.
        name: of the file, for the error.

    Raises:
        ValueError: it is neither; the text names file and line.

    Examples:
        >>> decoded("Zoë".encode("utf-16"), "list.txt")
        ('Zoë', 'UTF-16')
        >>> decoded(bytes([255]), "list.txt")
        Traceback (most recent call last):
            ...
        ValueError: list.txt: line 1 is not UTF-8; save it as UTF-8
    """
    encoding = next((encoding for mark, encoding in _MARKS.items() if content.startswith(mark)), "UTF-8")
    try:
        text = content.decode("utf-8-sig" if encoding == "UTF-8" else encoding)
    except UnicodeDecodeError as error:
        if encoding != "UTF-8":
            raise ValueError(
                f"{name}: begins as {encoding} but does not go on as such; save it as UTF-8 again"
            ) from None
        line = 1 + content.count(b"\n", 0, error.start)
        raise ValueError(f"{name}: line {line} is not UTF-8; save it as UTF-8") from None
    if "\0" in text:
        line = 1 + text.count("\n", 0, text.index("\0"))
        raise ValueError(f"{name}: line {line} is not UTF-8 (it has null bytes, as UTF-16 has); save it as UTF-8")
    return text, encoding


def read_text(file: Path) -> tuple[str, str]:
    """The text of a file and its encoding, as of ``decoded``; raises ``ValueError`` also where it cannot be read."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ValueError(f"{file}: cannot be read ({error.strerror}); check the file and its rights") from None
    return decoded(content, file)


def read_lines(index: Path) -> tuple[list[str], str]:
    """The lines of a list and its encoding, without blank lines: many lists end in one."""
    text, encoding = read_text(index)
    return [line.strip() for line in text.splitlines() if line.strip()], encoding
