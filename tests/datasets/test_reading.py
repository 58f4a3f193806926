"""Masks and photographs as they come, and files that cannot be used."""

from __future__ import annotations

import pickle
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from ihp_backend.datasets import LipDataset, SampleError
from ihp_backend.datasets.reading import read_mask, read_photograph

from .trees import striped, write_mask, write_pairs, write_photograph


def lip(root: Path) -> LipDataset:
    """One photograph in LIP's flat layout."""
    write_pairs(root, "val_images/{id}.jpg", "val_segmentations/{id}.png", {"1_2": striped((1, 13, 5))})
    return LipDataset(root, "val")


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("palette", [False, True])
def test_ids_survive_every_depth_of_a_png(bits: int, palette: bool, tmp_path: Path) -> None:
    ids = np.arange(64, dtype=np.uint8).reshape(8, 8) % min(2**bits, 19)
    file = tmp_path / "mask.png"
    if palette:
        write_mask(file, ids, palette=True)
        image = Image.open(file)
        image.load()
        image.save(file, bits=bits)
    elif bits == 8:
        write_mask(file, ids)
    else:
        file.write_bytes(_grey_png(ids, bits))
    np.testing.assert_array_equal(read_mask(file), ids)
    if palette:
        # The trap that PIL avoids.
        luminance = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
        assert luminance is not None
        assert (luminance != ids).any()


def test_wide_masks_and_grey_photographs(tmp_path: Path) -> None:
    wide = np.array([[0, 7, 255]], np.uint16)
    Image.fromarray(wide).save(tmp_path / "wide.png")
    assert read_mask(tmp_path / "wide.png").tolist() == [[0, 7, 255]]
    Image.fromarray(wide * 3).save(tmp_path / "wider.png")
    with pytest.raises(SampleError, match=r"wider\.png: ids from 0 to 765; give masks with one byte per pixel"):
        read_mask(tmp_path / "wider.png")
    write_photograph(tmp_path / "grey.jpg", grey=True)
    image = read_photograph(tmp_path / "grey.jpg")
    assert image.shape == (48, 32, 3)
    assert (image[..., 0] == image[..., 2]).all()


def test_ids_beyond_the_labels(tmp_path: Path) -> None:
    dataset = lip(tmp_path)
    mask = striped((1, 20, 77))
    write_mask(tmp_path / "val_segmentations/1_2.png", mask)
    count = int(((mask == 20) | (mask == 77)).sum())
    with pytest.raises(SampleError, match=rf"1_2\.png: ids 20, 77 on {count} pixels, where known ids go from 0 to 19"):
        dataset[0]


def test_a_mask_of_another_size(tmp_path: Path) -> None:
    dataset = lip(tmp_path)
    write_mask(tmp_path / "val_segmentations/1_2.png", striped((1, 2), 40, 30))
    with pytest.raises(SampleError, match=r"1_2\.png: 30 x 40 pixels, but 1_2\.jpg has 32 x 48; give both"):
        dataset[0]


def test_a_coloured_preview(tmp_path: Path) -> None:
    dataset = lip(tmp_path)
    write_photograph(tmp_path / "val_segmentations/1_2.png")
    with pytest.raises(SampleError, match=r"1_2\.png: a mask in colour \(RGB\); give the masks that hold label ids"):
        dataset[0]


@pytest.mark.parametrize("folder", ["val_images/1_2.jpg", "val_segmentations/1_2.png"])
@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "text"])
def test_files_that_cannot_be_read(folder: str, damage: str, tmp_path: Path) -> None:
    dataset = lip(tmp_path)
    file = tmp_path / folder
    content = file.read_bytes()
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes({"empty": b"", "cut": content[: len(content) // 2], "text": b"<html>404</html>"}[damage])
    expected = (
        "missing; unpack the data set again" if damage == "missing" else r"unreadable \(.*\); the file is damaged"
    )
    with pytest.raises(SampleError, match=rf"{file.name}: {expected}") as caught:
        dataset[0]
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.file, again.remedy) == (str(caught.value), str(file), caught.value.remedy)


def test_a_data_set_travels_to_other_processes(tmp_path: Path) -> None:
    dataset = lip(tmp_path)
    again = pickle.loads(pickle.dumps(dataset))
    np.testing.assert_array_equal(again[0].parsing, dataset[0].parsing)
    assert again.labels == dataset.labels


def _grey_png(ids: np.ndarray, bits: int) -> bytes:
    """A grey PNG of fewer than 8 bits, which neither Pillow nor OpenCV writes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b""
    for row in ids:
        text = "".join(f"{value:0{bits}b}" for value in row)
        rows += b"\0" + bytes(int(text[start : start + 8].ljust(8, "0"), 2) for start in range(0, len(text), 8))
    header = struct.pack(">IIBBBBB", ids.shape[1], ids.shape[0], bits, 0, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts
