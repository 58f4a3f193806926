"""Masks: a ``ValueError`` at most, and never more pixels than were asked for."""

from __future__ import annotations

import base64
import io
import struct
import tracemalloc
import zlib
from contextlib import suppress
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from PIL import Image

from ihp_backend.label_studio.clicks.saved_work import read_saved_work, read_signs
from ihp_backend.label_studio.config.labelling_config import LabellingConfig
from ihp_backend.label_studio.masks.brush_rle import decode
from ihp_backend.label_studio.masks.mask_forms import MASK_FORMS
from ihp_backend.label_studio.masks.mask_pictures import mask_data_urls, picture_mask
from ihp_backend.label_studio.masks.mask_regions import mask_regions
from ihp_backend.label_studio.masks.painting import paint
from tests.server.wild_bodies import mutated, wild_value

from .inputs import CHANCES, damaged, real_records, wild, wilder

SIZE = 30, 40
DISC = np.hypot(*np.mgrid[-15:15, -20:20]) < 12


def read(form: str, kind: str, value: Any, height: int = 30, width: int = 40) -> None:
    reader = MASK_FORMS[form].read
    assert reader is not None
    try:
        mask = reader(kind, value, height, width)
    except ValueError:
        return
    assert (mask.shape, mask.dtype) == ((height, width), bool)


@wild("brush RLE", CHANCES)
def test_brush_rle(chance: Random) -> None:
    drawn = [one for one in real_records() if "rle" in one["value"]]
    record = chance.choice(drawn)
    height, width = record["original_height"], record["original_width"]
    stream: Any = damaged(bytes(record["value"]["rle"]), chance)
    if chance.random() < 0.3:
        height, width = chance.choice([0, -1, 1, 2**16, 2**31, height]), chance.choice([1, 3, 2**16, width])
    if chance.random() < 0.5:
        stream = [chance.choice([256, -1, 1.5, "1", None, True]) if chance.random() < 0.001 else one for one in stream]
    with suppress(ValueError):
        assert decode(stream, height, width).shape == (height, width)


@pytest.mark.parametrize("words", [2**32 - 4, 4 * 2**28, 4 * 120_000_000])
def test_a_short_stream_that_announces_much_takes_no_memory(words: int) -> None:
    stream = (words << 21 | 7 << 16 | 2 << 12 | 3 << 8 | 7 << 4 | 15).to_bytes(7, "big") + bytes(50)
    tracemalloc.start()
    with pytest.raises(ValueError, match="rle"):
        decode(stream, 1, words // 4)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20


def pictures() -> list[bytes]:
    made = [base64.b64decode(mask_data_urls(DISC.astype(np.uint8), [1])[1].partition(",")[2])]
    grey = Image.fromarray((DISC * 200).astype(np.uint8))
    clear = Image.merge("LA", (grey, grey))
    for kind, picture in (
        ("PNG", grey),
        ("PNG", clear),
        ("WEBP", clear.convert("RGBA")),
        ("PNG", grey.convert("I;16")),
    ):
        file = io.BytesIO()
        picture.save(file, kind)
        made.append(file.getvalue())
    return made


PICTURES = pictures()


def with_sums(png: bytes) -> bytes:
    """A damaged PNG with fitting sums, so that it is read further."""
    out, at = bytearray(png[:8]), 8
    while at + 8 <= len(png):
        length = min(int.from_bytes(png[at : at + 4], "big"), len(png))
        piece = png[at + 4 : at + 8 + length]
        out += png[at : at + 4] + piece + struct.pack(">I", zlib.crc32(piece))
        at += 12 + length
    return bytes(out)


@wild("masks as pictures", CHANCES)
def test_masks_as_pictures(chance: Random) -> None:
    picture = damaged(chance.choice(PICTURES), chance)
    if chance.random() < 0.5 and picture.startswith(b"\x89PNG"):
        picture = with_sums(picture)
    url = "data:image/png;base64," + base64.b64encode(picture).decode()
    if chance.random() < 0.2:
        url = damaged(url.encode(), chance).decode("latin-1")
    read("bitmask", "bitmasklabels", {"imageDataURL": url}, *chance.choice([(30, 40), (1, 1), (3, 70_000)]))


@pytest.mark.parametrize("size", [(1, 120_000_000), (40_000, 3000), (2**31 - 1, 1), (0, 5), (2**31, 2**31)])
@pytest.mark.parametrize("target", [(30, 40), (1, 100_000), (100_000, 1)])
def test_pictures_of_extreme_sizes(size: tuple[int, int], target: tuple[int, int]) -> None:
    width, height = size
    header = struct.pack(">IIBBBBB", width, height, 1, 3, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"PLTE", bytes(6)), (b"tRNS", b"\0\xff"), (b"IDAT", zlib.compress(bytes(99)))]
    png = b"".join(struct.pack(">I", len(one)) + name + one + bytes(4) for name, one in chunks)
    url = "data:image/png;base64," + base64.b64encode(with_sums(b"\x89PNG\r\n\x1a\n" + png)).decode()
    with pytest.raises(ValueError, match="mask"):
        picture_mask(url, *target)


SHAPES: list[tuple[str, str, Any]] = [
    ("polygon", "polygonlabels", {"points": [[1, 1], [90.5, 2], [50, 99]], "closed": True}),
    ("ellipse", "ellipselabels", {"x": 50, "y": 40, "radiusX": 10, "radiusY": 22.5, "rotation": 30}),
    (
        "brush",
        "brushlabels",
        {
            "touches": [
                {"type": "add", "relativePoints": [1.0, 2, 50, 60], "relativeStrokeWidth": 4.5},
                {"type": "eraser", "relativePoints": [1, 2], "relativeStrokeWidth": 1},
            ]
        },
    ),
]


@wild("polygons, ellipses, strokes", st.sampled_from(SHAPES), CHANCES, of=2)
def test_shapes_with_wild_parts(shape: tuple[str, str, Any], chance: Random) -> None:
    form, kind, value = shape
    if isinstance(value := mutated(value, chance), dict):
        read(form, kind, value)


@wild("polygons, ellipses, strokes", CHANCES, of=2)
def test_shapes_of_wild_parts(chance: Random) -> None:
    form, kind, value = chance.choice(SHAPES)
    names = ("points", "x", "y", "radiusX", "radiusY", "rotation", "touches", "rle", "maskDataURL")
    value = {**value, **{name: wild_value(chance) for name in chance.sample(names, 2)}}
    if chance.random() < 0.3:
        value["points"] = [[wild_value(chance), wild_value(chance)] for _ in range(chance.randrange(6))]
    if chance.random() < 0.3:
        value["touches"] = [{"relativePoints": wild_value(chance), "relativeStrokeWidth": wild_value(chance)}]
    read(form, kind, value)


@wild("regions", CHANCES)
def test_regions(chance: Random) -> None:
    records = [mutated(chance.choice(real_records()), chance) for _ in range(2)]
    found = list(mask_regions([one for one in records if isinstance(one, dict)]))
    painting = paint(found, lambda name: 1 if name == "Face" else None, SIZE if chance.random() < 0.5 else None)
    assert len(painting.left_out) <= len(found)
    paint([region.packed() for region in found], lambda _: 2, SIZE)


SAVED = {"drafts": [{"id": 1, "result": real_records()[:6]}], "annotations": [{"result": real_records()[6:12]}]}


@wild("saved work", wilder([SAVED]))
def test_saved_work(task: Any) -> None:
    if isinstance(task, dict):
        assert all(isinstance(sign, bool) for sign in read_signs(task).values())
        read_saved_work(task, LabellingConfig(labels=("Face", "Hat")), "image")
