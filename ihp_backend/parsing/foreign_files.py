"""What a file is that is no photograph, in words that help whoever meant it to be one."""

from __future__ import annotations

from typing import Final

_HEIC: Final = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")

# How the files of a format begin, and what to do about them.
_FOREIGN: Final = (
    (b"%PDF", "a PDF document; export its picture as PNG or JPEG"),
    (b"8BPS", "a Photoshop document; export it as PNG or JPEG"),
    (b"%!PS", "a PostScript document; export it as PNG or JPEG"),
    (b"\xff\x0a", "a JPEG XL photograph, which is not read; convert it to JPEG or PNG"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL photograph, which is not read; convert it to JPEG or PNG"),
    (b"PK\x03\x04", "a ZIP archive; unpack it and upload the photographs"),
    (b"\x1f\x8b", "a gzip archive; unpack it and upload the photographs"),
)
_BROKEN: Final = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG", "PNG"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"RIFF", "WebP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"\0\0\1\0", "ICO"),
)


def what_it_is(data: bytes) -> str:
    """A sentence about bytes that no reader takes for an image, with what to do about them."""
    text = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<svg", b"<?xml", b"<!--", b"<!doctype svg")) and b"<svg" in text:
        return "an SVG drawing, which has no pixels of its own; export it as PNG or JPEG"
    if text.startswith((b"<!doctype html", b"<html")):
        return (
            f"{len(data)} bytes of a web page and no image, a log-in page perhaps; open its address in a private "
            "window of the browser"
        )
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC:
        return "a HEIC photograph, which most browsers do not show either; convert it to JPEG"
    for beginning, words in _FOREIGN:
        if data.startswith(beginning):
            return words
    broken = "AVIF" if data[4:12] in (b"ftypavif", b"ftypavis") else None
    broken = broken or next((name for beginning, name in _BROKEN if data.startswith(beginning)), None)
    if broken is not None:
        return (
            f"{len(data)} bytes that begin as {broken} does, but are cut off, damaged, without pixels or of a rare "
            "kind; save it again as JPEG or PNG"
        )
    return f"{len(data)} bytes starting with {data[:8]!r} are no image; give JPEG, PNG or WebP"
