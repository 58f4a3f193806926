"""Files that say their orientation in every way, and how Chromium 156 showed them."""

from __future__ import annotations

import struct

from PIL import Image

from .image_files import (
    EXIF,
    avif,
    chunk,
    exif_segment,
    jpeg,
    picture,
    png,
    raw_profile,
    riff,
    saved,
    segment,
    tiff_block,
    webp,
    xmp,
)

Case = tuple[bytes, int]
"""A file, and the orientation by which its stored pixels are shown."""


def _entry(kind: int, count: int, value: int) -> bytes:
    return struct.pack("<HHIHH", 0x0112, kind, count, value, 0)


def _directory(*entries: bytes, count: int | None = None, start: int = 8) -> bytes:
    head = b"II*\0" + struct.pack("<I", start) + b"\0" * (start - 8)
    return head + struct.pack("<H", len(entries) if count is None else count) + b"".join(entries)


def exif_blocks() -> dict[str, Case]:
    """JPEGs with one EXIF block each."""
    block = tiff_block(6)
    cases: dict[str, tuple[bytes, int]] = {}
    for order in ("II", "MM"):
        cases |= {f"{order} {number}": (tiff_block(number, order=order), number) for number in range(1, 9)}
        cases |= {f"{order} {number}": (tiff_block(number, order=order), 1) for number in (0, 9, 255, 65535)}
        kinds = {"BYTE": 1, "ASCII": 2, "LONG": 4, "RATIONAL": 5, "SBYTE": 6, "SSHORT": 8, "SLONG": 9}
        cases |= {f"{order} {name}": (tiff_block(6, order=order, kind=kind), 1) for name, kind in kinds.items()}
        cases |= {f"{order} of {count} values": (tiff_block(6, order=order, count=count), 1) for count in (0, 2, 3)}
    return {
        name: (jpeg(exif_segment(made)), shown)
        for name, (made, shown) in {
            **cases,
            "twelve tags before": (tiff_block(6, before=12), 6),
            "9, then 3": (_directory(_entry(3, 1, 9), _entry(3, 1, 3)), 3),
            "a LONG, then 3": (_directory(_entry(4, 1, 6), _entry(3, 1, 3)), 3),
            "1, then 6": (_directory(_entry(3, 1, 1), _entry(3, 1, 6)), 1),
            "no entries are announced": (_directory(_entry(3, 1, 6), count=0), 1),
            "more entries are announced": (_directory(_entry(3, 1, 6), count=100), 6),
            "a directory on an odd byte": (_directory(_entry(3, 1, 6), start=9), 6),
            "a directory inside the header": (block[:4] + struct.pack("<I", 0) + block[8:], 1),
            "a directory far away": (block[:4] + struct.pack("<I", 0xFFFFFFFF) + block[8:], 1),
            "cut off after the entry": (block[:-4], 6),
            "cut off inside the entry": (block[:-6], 1),
            "another magic number": (block[:2] + b"\x2b\0" + block[4:], 1),
            "the magic number in the other order": (b"II\0*" + block[4:], 1),
            "a name twice": (EXIF + block, 1),
            "rubbish": (b"rubbish", 1),
        }.items()
    }


def jpegs() -> dict[str, Case]:
    """Where in a JPEG the blocks stand."""
    three, six = exif_segment(tiff_block(3)), exif_segment(tiff_block(6))
    described = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp(8))
    others = segment(0xE2, b"FPXR\0") + segment(0xED, b"Photoshop 3.0\0") + segment(0xFE, b"comment")
    whole = jpeg()
    scan = whole.index(b"\xff\xda")
    exif = Image.Exif()
    exif[0x0112] = 6
    frames = [Image.fromarray(picture()), Image.fromarray(picture()[:, ::-1])]
    return {
        "without JFIF": (jpeg(six, jfif=False), 6),
        "after other segments": (jpeg(others, six), 6),
        "just before the scan": (whole[:scan] + six + whole[scan:], 6),
        "after the scan": (whole[:-2] + six + whole[-2:], 1),
        "after the end": (whole + six, 1),
        "6, then 3": (jpeg(six, three), 6),
        "1, then 6": (jpeg(exif_segment(tiff_block(1)), six), 1),
        "9, then 6": (jpeg(exif_segment(tiff_block(9)), six), 1),
        "an empty block, then 6": (jpeg(exif_segment(b""), six), 6),
        "rubbish, then 6": (jpeg(exif_segment(b"rubbish"), six), 1),
        "one block in two segments": (
            jpeg(exif_segment(tiff_block(6)[:15]), exif_segment(tiff_block(6)[15:])),
            1,
        ),
        "the name's last byte is another": (jpeg(segment(0xE1, b"Exif\0\xff" + tiff_block(6))), 6),
        "another name": (jpeg(segment(0xE1, b"exif\0\0" + tiff_block(6))), 1),
        "another segment": (jpeg(segment(0xE2, EXIF + tiff_block(6))), 1),
        "XMP": (jpeg(described), 1),
        "XMP, then EXIF": (jpeg(described, three), 3),
        "EXIF, then XMP": (jpeg(three, described), 3),
        "MPO": (saved(frames[0], "MPO", save_all=True, append_images=frames[1:], exif=exif), 6),
    }


def pngs() -> dict[str, Case]:
    """Chunks of PNGs."""
    three, six = chunk(b"eXIf", tiff_block(3)), chunk(b"eXIf", tiff_block(6))
    damaged = three[:-1] + bytes([three[-1] ^ 1])
    return {
        **{f"eXIf {number}": (png(chunk(b"eXIf", tiff_block(number))), number) for number in range(1, 9)},
        "eXIf MM": (png(chunk(b"eXIf", tiff_block(6, order="MM"))), 6),
        "eXIf 9": (png(chunk(b"eXIf", tiff_block(9))), 1),
        "eXIf with a name": (png(chunk(b"eXIf", EXIF + tiff_block(6))), 1),
        "eXIf as LONG": (png(chunk(b"eXIf", tiff_block(6, kind=4))), 1),
        "eXIf after the pixels": (png(after=[six]), 1),
        "3 before, 6 after the pixels": (png(three, after=[six]), 3),
        "3, then 6": (png(three, six), 3),
        "a damaged 3, then 6": (png(damaged, six), 6),
        "an empty one, then 6": (png(chunk(b"eXIf", b""), six), 1),
        "a damaged one": (png(damaged), 1),
        "in the text": (png(raw_profile(EXIF + tiff_block(6))), 1),
        "in the text after the pixels": (png(after=[raw_profile(EXIF + tiff_block(6))]), 1),
        "XMP": (png(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp(6))), 1),
    }


def webps() -> dict[str, Case]:
    """Chromium turns no WebP, though Safari does."""
    cases = {f"EXIF {number}": (webp(riff(b"EXIF", tiff_block(number))), 1) for number in range(1, 9)}
    for name, prefix in (("", b""), (" with a name", EXIF)):
        block = riff(b"EXIF", prefix + tiff_block(6))
        cases[f"before{name}"] = (webp(before=[block]), 1)
        cases[f"after{name}"] = (webp(block), 1)
        cases[f"not announced{name}"] = (webp(block, flags=0), 1)
        cases[f"without VP8X{name}"] = (webp(block, extended=False), 1)
    return {
        **cases,
        "lossy": (webp(riff(b"EXIF", tiff_block(6)), lossless=False), 1),
        "XMP": (webp(riff(b"XMP ", xmp(6)), flags=4), 1),
    }


def avifs() -> dict[str, Case]:
    """In an AVIF the boxes count, and EXIF does not."""
    return {
        **{f"irot and imir {number}": (avif(number), number) for number in range(1, 9)},
        "only EXIF": (avif(1, tiff_block(6, before=1)), 1),
        "EXIF 6 and boxes 3": (avif(3, tiff_block(6, before=1)), 3),
        "EXIF 1 and boxes 8": (avif(8, tiff_block(1, before=1)), 8),
        "EXIF MM 6 and boxes 8": (avif(8, tiff_block(6, order="MM", before=1)), 8),
    }


def others() -> dict[str, Case]:
    """Formats that know no orientation."""
    image = Image.fromarray(picture())
    return {
        "BMP": (saved(image, "BMP"), 1),
        "GIF": (saved(image, "GIF"), 1),
        "GIF with XMP": (saved(image, "GIF", xmp=xmp(6)), 1),
    }


def all_cases() -> dict[str, Case]:
    """Every file by the name of its format and what is in it."""
    kinds = {"EXIF": exif_blocks, "JPEG": jpegs, "PNG": pngs, "WebP": webps, "AVIF": avifs, "other": others}
    return {f"{kind}: {name}": case for kind, make in kinds.items() for name, case in make().items()}
