"""Brush RLE against a bit-by-bit reference, real captures and, where installed, Label Studio's own SDK."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from ihp_backend.label_studio.masks.brush_rle import decode, encode, encode_labels

ROOT = Path(__file__).parents[2]
CAPTURES = sorted((ROOT / "tests" / "captures").glob("*.json"))
SDK_PYTHON = ROOT / ".venv-label-studio" / "bin" / "python"
SIZES = (3, 4, 8, 16)

masks = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=40))
label_maps = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=30), elements=st.integers(0, 5))


def header_bits(words: int, word_bits: int = 8, sizes: tuple[int, ...] = SIZES) -> str:
    return f"{words:032b}{word_bits - 1:05b}" + "".join(f"{size - 1:04b}" for size in sizes)


def to_bytes(bits: str, pad: int | None = None) -> list[int]:
    bits += "0" * ((8 - len(bits) % 8) if pad is None else pad)
    return [int(bits[start : start + 8], 2) for start in range(0, len(bits), 8)]


def encode_slowly(mask: NDArray[Any]) -> list[int]:
    words = [255 if pixel else 0 for pixel in mask.ravel().tolist() for _ in range(4)]
    bits = header_bits(len(words))
    for value, group in groupby(words):
        left = len(list(group))
        was_cut = left > 2**16
        while left:
            run = min(left, 2**16)
            index = 3 if was_cut else next(i for i, size in enumerate(SIZES) if run <= 2**size)
            bits += f"1{index:02b}{run - 1:0{SIZES[index]}b}{value:08b}"
            left -= run
    return to_bytes(bits)


def decode_slowly(rle: list[int]) -> list[int]:
    bits = "".join(f"{byte:08b}" for byte in rle)
    position = 0

    def take(count: int) -> int:
        nonlocal position
        position += count
        return int(bits[position - count : position], 2)

    words_left, word_bits = take(32), take(5) + 1
    sizes = [take(4) + 1 for _ in range(4)]
    words: list[int] = []
    while len(words) < words_left:
        repeated, size = take(1), sizes[take(2)]
        count = take(size) + 1
        words += [take(word_bits)] * count if repeated else [take(word_bits) for _ in range(count)]
    return words


@st.composite
def browser_streams(draw: st.DrawFn) -> tuple[list[int], int, int]:
    """Streams with soft alpha, literal packets, any table of sizes and any cutting into packets."""
    height, width = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    sizes = tuple(draw(st.lists(st.integers(1, 16), min_size=4, max_size=4)))
    bits, words = header_bits(4 * height * width, sizes=sizes), 4 * height * width
    while words:
        index = draw(st.integers(0, 3))
        count = draw(st.integers(1, min(words, 2 ** sizes[index])))
        repeated = draw(st.booleans())
        values = draw(
            st.lists(st.integers(0, 255), min_size=1 if repeated else count, max_size=1 if repeated else count)
        )
        bits += f"{int(repeated)}{index:02b}{count - 1:0{sizes[index]}b}" + "".join(f"{value:08b}" for value in values)
        words -= count
    return to_bytes(bits, pad=-len(bits) % 8), height, width


@given(masks)
def test_encode_is_bit_exact_with_the_slow_encoder(mask: NDArray[np.bool_]) -> None:
    assert encode(mask) == encode_slowly(mask)


@pytest.mark.parametrize("pixels", [1, 2, 3, 4, 5, 63, 64, 65, 16383, 16384, 16385, 16390, 32768, 32769, 50000])
@pytest.mark.parametrize("inverted", [False, True])
def test_encode_at_the_borders_of_the_run_sizes(pixels: int, inverted: bool) -> None:
    mask = np.zeros((1, pixels + 7), dtype=np.uint8)
    mask[0, 3 : 3 + pixels] = 1
    mask ^= np.uint8(inverted)
    assert encode(mask) == encode_slowly(mask)
    assert encode(mask * 255) == encode_slowly(mask)


def test_a_stream_that_ends_with_a_byte_is_padded_by_a_whole_byte() -> None:
    lengths = set()
    for width in range(1, 60):
        mask = np.arange(width)[None] % 5 < 2
        bits = 53 + sum(11 + (3 if len(list(group)) <= 2 else 4) for _, group in groupby(mask[0].tolist()))
        lengths.add(bits % 8)
        assert len(encode(mask)) == bits // 8 + 1
    assert 0 in lengths


@given(masks)
def test_decode_gives_the_mask_back(mask: NDArray[np.bool_]) -> None:
    alpha = decode(encode(mask), *mask.shape)
    assert alpha.dtype == np.uint8
    np.testing.assert_array_equal(alpha, mask * np.uint8(255))


@given(browser_streams())
def test_decode_is_exact_with_the_slow_decoder(stream: tuple[list[int], int, int]) -> None:
    rle, height, width = stream
    expected = np.array(decode_slowly(rle)).reshape(height, width, 4)[..., 3]
    np.testing.assert_array_equal(decode(rle, height, width), expected)
    np.testing.assert_array_equal(decode(bytes(rle), height, width), expected)


def test_encode_reads_any_memory_layout() -> None:
    mask = np.random.default_rng(0).random((20, 30)) > 0.6
    assert encode(np.asfortranarray(mask)) == encode_slowly(mask)
    assert encode(mask[::2, ::-3]) == encode_slowly(mask[::2, ::-3])
    label_map = np.asfortranarray(mask.astype(np.uint8))
    assert encode_labels(label_map[:, ::-1], [1])[1] == encode_slowly(mask[:, ::-1])


@given(label_maps)
def test_encode_labels_is_encode_of_every_label(label_map: NDArray[np.uint8]) -> None:
    labels = [0, 1, 2, 3, 4, 5, 255]
    encoded = encode_labels(label_map, labels)
    assert list(encoded) == labels
    for label in labels:
        assert encoded[label] == encode_slowly(label_map == label)
    assert all(type(byte) is int for byte in encoded[0]), "json.dumps takes no numpy integers"


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.zeros((2, 2), dtype=np.int64), "mask: dtype int64"),
        (np.zeros((2, 2), dtype=np.float32), "mask: dtype float32"),
        (np.zeros((2, 2, 4), dtype=np.uint8), r"mask: shape \(2, 2, 4\)"),
        (np.zeros((0, 2), dtype=np.uint8), r"mask: shape \(0, 2\)"),
        (np.broadcast_to(np.uint8(1), (2**15, 2**15)), "mask: 1073741824 pixels"),
    ],
)
def test_encode_refuses(mask: NDArray[Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        encode(mask)


@pytest.mark.parametrize(
    ("label_map", "labels", "message"),
    [
        (np.zeros((2, 2), dtype=np.int32), [1], "label_map: dtype int32"),
        (np.zeros(4, dtype=np.uint8), [1], "label_map: shape"),
        (np.zeros((2, 2), dtype=np.uint8), [256], "labels: 256"),
        (np.zeros((2, 2), dtype=np.uint8), [-1], "labels: -1"),
    ],
)
def test_encode_labels_refuses(label_map: NDArray[Any], labels: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        encode_labels(label_map, labels)


GOOD = encode(np.eye(5, dtype=np.bool_))


@pytest.mark.parametrize(
    ("rle", "height", "width", "message"),
    [
        ([], 5, 5, "rle: 0 bytes are too short"),
        (GOOD[:6], 5, 5, "rle: 6 bytes are too short"),
        (GOOD, 5, 6, "rle: holds 100 words, but 4 x 5 x 6 = 120"),
        (GOOD, 0, 5, "height, width: 0 x 5"),
        (GOOD, -5, -5, "height, width: -5 x -5"),
        (GOOD[:-3], 5, 5, "rle: ends after"),
        ([*GOOD[:-1], 256], 5, 5, "rle: not a list of integers 0..255"),
        ([*GOOD[:-1], -1], 5, 5, "rle: not a list of integers 0..255"),
        ([*GOOD[:-1], 1.5], 5, 5, "rle: not a list of integers 0..255"),
        ([*GOOD[:-1], None], 5, 5, "rle: not a list of integers 0..255"),
        ("abc", 5, 5, "rle: str is no list"),
        (None, 5, 5, "rle: NoneType is no list"),
        (1000, 5, 5, "rle: int is no list"),
        (to_bytes(header_bits(4, word_bits=16) + "1" * 40), 1, 1, "rle: words of 16 bits"),
        (to_bytes(header_bits(4) + "100" + "111" + "1" * 8), 1, 1, "rle: its last packet runs 4 words past"),
        (to_bytes(header_bits(8) + "000" + "111" + "1" * 60), 1, 2, "rle: ends after 0 of 8 words"),
    ],
)
def test_decode_refuses(rle: Any, height: int, width: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decode(rle, height, width)


@given(st.binary(max_size=60), st.integers(1, 300), st.integers(1, 300))
def test_decode_of_anything_is_an_image_or_a_value_error(data: bytes, height: int, width: int) -> None:
    framed = bytes(to_bytes(header_bits(4 * height * width), pad=3))[:7] + data
    for stream in (data, framed):
        try:
            alpha = decode(stream, height, width)
        except ValueError as error:
            message = str(error)
        else:
            message = "rle: " if alpha.shape == (height, width) else f"shape {alpha.shape}"
        assert message.startswith("rle:")


def regions(node: Any) -> Iterator[dict[str, Any]]:
    """Every region with an rle, wherever it stands in a captured request."""
    if isinstance(node, dict):
        if "original_width" in node and "rle" in node.get("value", {}):
            yield node
        for child in node.values():
            yield from regions(child)
    elif isinstance(node, list):
        for child in node:
            yield from regions(child)


def test_real_captures_decode_and_encode_to_the_same_pixels() -> None:
    if not CAPTURES:
        pytest.skip("tests/captures holds no captured requests")
    seen = 0
    for capture in CAPTURES:
        for region in regions(json.loads(capture.read_text())):
            height, width, rle = region["original_height"], region["original_width"], region["value"]["rle"]
            alpha = decode(rle, height, width)
            np.testing.assert_array_equal(
                alpha.ravel(), np.array(decode_slowly(rle), dtype=np.uint8)[3::4], err_msg=capture.name
            )
            if set(np.unique(alpha)) <= {0, 255}:
                np.testing.assert_array_equal(decode(encode(alpha), height, width), alpha)
            seen += 1
    assert seen > 20


SDK_SCRIPT = """
import json, sys
import numpy as np
from label_studio_sdk.converter.brush import decode_rle, mask2rle
masks = np.load(sys.argv[1])
streams = {name: [int(byte) for byte in mask2rle(masks[name])] for name in masks.files}
given = json.load(open(sys.argv[2]))
same = [name for name in masks.files
        if np.array_equal(decode_rle(given[name]).reshape(*masks[name].shape, 4), masks[name][..., None].repeat(4, 2))]
print(json.dumps({"streams": streams, "same": same}))
"""


def test_label_studios_sdk_writes_and_reads_the_same(tmp_path: Path) -> None:
    if not SDK_PYTHON.exists():
        pytest.skip("no .venv-label-studio with Label Studio's SDK to compare with")
    probe = subprocess.run(
        [SDK_PYTHON, "-c", "import label_studio_sdk.converter.brush"], capture_output=True, text=True
    )
    if probe.returncode:
        pytest.skip(f"label_studio_sdk cannot be imported in .venv-label-studio: {probe.stderr[-200:]}")
    rng = np.random.default_rng(1)
    masks = {f"noise {width}": rng.random((7, width)) > 0.5 for width in range(1, 30)}
    masks |= {f"run {n}": np.arange(40000)[None] < n for n in (0, 1, 2, 4, 64, 65, 16384, 16385, 32768, 32769, 40000)}
    rows, columns = np.mgrid[:480, :640]
    masks["ellipse"] = ((rows - 200) / 150) ** 2 + ((columns - 300) / 90) ** 2 < 1
    masks["noise"] = rng.random((200, 300)) > 0.9
    ours = {name: encode(mask) for name, mask in masks.items()}
    np.savez(tmp_path / "masks.npz", **{name: mask * np.uint8(255) for name, mask in masks.items()})  # type: ignore[arg-type]
    (tmp_path / "ours.json").write_text(json.dumps(ours))
    answer = subprocess.run(
        [SDK_PYTHON, "-c", SDK_SCRIPT, tmp_path / "masks.npz", tmp_path / "ours.json"],
        capture_output=True,
        text=True,
        check=True,
    )
    theirs = json.loads(answer.stdout.splitlines()[-1])
    for name in masks:
        assert theirs["streams"][name] == ours[name], name
    assert sorted(theirs["same"]) == sorted(masks)
