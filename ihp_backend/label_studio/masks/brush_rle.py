"""Brush RLE: the bit stream in which Label Studio keeps a brush region's mask.

The stream, most significant bit first, carried as a JSON list of bytes:

- header of 53 bits: number of words (32), word size - 1 (5), four run sizes - 1 (4 x 4);
- packets until all words are there: flag (1), index of a run size (2), n - 1 (that many bits), and then
  one word that stands n times (flag 1) or n words one after the other (flag 0);
- zero bits up to a whole byte.

The words are the bytes of an RGBA image, row by row; a mask has 0 or 255 in all four channels, and Label
Studio looks at alpha alone. `encode` gives, bit for bit, what ``label_studio_sdk.converter.brush.mask2rle``
gives for a mask of 0 and 255 (the tests compare); `decode` also reads what the editor in the browser writes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

CHANNELS = 4
WORD_BITS = 8
RUN_SIZES = (3, 4, 8, 16)
LONGEST_RUN = 1 << RUN_SIZES[-1]
HEADER_BITS = 53
FOREGROUND = 255

# One packet without its n - 1: flag, index of the run size, word.
_FIXED_BITS = 1 + 2 + WORD_BITS
# A packet of at most 27 bits that starts anywhere in a byte touches at most this many bytes.
_PACKET_BYTES = 5


def encode(mask: NDArray[np.bool_] | NDArray[np.uint8]) -> list[int]:
    """Brush RLE of a mask.

    Args:
        mask: bool or uint8 (height, width); everything but zero is foreground.

    Returns:
        The bytes of the stream, as Label Studio wants them in a region's ``value.rle``.

    Raises:
        ValueError: wrong dtype, not two-dimensional, empty, or more than 2**30 - 1 pixels.

    Examples:
        >>> encode(np.array([[0, 1]], np.uint8))
        [0, 0, 0, 8, 57, 27, 252, 96, 17, 255, 128]
        >>> decode(encode(np.array([[0, 1]], np.uint8)), height=1, width=2).tolist()
        [[0, 255]]
        >>> encode(np.zeros((2, 2)))
        Traceback (most recent call last):
            ...
        ValueError: mask: dtype float64 is neither bool nor uint8; give `mask > 0`
    """
    if mask.dtype not in (np.bool_, np.uint8):
        raise ValueError(f"mask: dtype {mask.dtype} is neither bool nor uint8; give `mask > 0`")
    _check_size("mask", mask)
    foreground = np.ascontiguousarray(mask != 0).ravel()
    return _stream(np.append(0, _ends(foreground)), first_is_foreground=bool(foreground[0]))


def encode_labels(label_map: NDArray[np.uint8], labels: Sequence[int]) -> dict[int, list[int]]:
    """Brush RLE of several labels' masks, from one reading of the label map.

    Args:
        label_map: uint8 (height, width), a label id per pixel.
        labels: ids to encode; an id that is nowhere in the map gives the stream of an empty mask.

    Returns:
        For each of `labels` the same list that ``encode(label_map == label)`` gives.

    Raises:
        ValueError: as `encode`, or a label outside 0..255.

    Examples:
        >>> streams = encode_labels(np.array([[0, 3]], np.uint8), labels=[3])
        >>> streams[3] == encode(np.array([[False, True]]))
        True
    """
    if label_map.dtype != np.uint8:
        raise ValueError(f"label_map: dtype {label_map.dtype} is not uint8; give `label_map.astype(numpy.uint8)`")
    _check_size("label_map", label_map)
    for label in labels:
        if not 0 <= label <= 255:
            raise ValueError(f"labels: {label} is no label id; ids are 0..255")
    flat = np.ascontiguousarray(label_map).ravel()
    ends = _ends(flat)
    starts = np.append(0, ends[:-1])
    run_labels = flat[starts]
    encoded = {}
    for label in labels:
        # Neighbouring runs differ, so the borders of one label's runs never coincide inside the image;
        # only at its corners can the background before or after them be empty.
        runs = np.flatnonzero(run_labels == label)
        borders = np.empty(2 * len(runs) + 2, dtype=np.int64)
        borders[0], borders[-1] = 0, flat.size
        borders[1:-1:2], borders[2:-1:2] = starts[runs], ends[runs]
        first_is_foreground = bool(run_labels[0] == label)
        if first_is_foreground:
            borders = borders[1:]
        if run_labels[-1] == label:
            borders = borders[:-1]
        encoded[label] = _stream(borders, first_is_foreground)
    return encoded


def decode(rle: Sequence[int] | bytes, height: int, width: int) -> NDArray[np.uint8]:
    """Alpha channel of a stream of brush RLE.

    Args:
        rle: the bytes of the stream, from Label Studio's editor, its SDK or `encode`.
        height, width: size of the image in pixels (``original_height``, ``original_width`` of the region).

    Returns:
        uint8 (height, width), alpha as it stands in the stream: strokes drawn in the browser have soft edges
        with values between 0 and 255.

    Raises:
        ValueError: no stream of bytes, another size than height x width, words that are not bytes, or a
            stream that ends too early or too late. Memory beyond the stream's own size is taken only once
            the size is known to be right, and is then height * width bytes.

    Examples:
        >>> decode(encode(np.eye(2, dtype=bool)), height=2, width=2).tolist()
        [[255, 0], [0, 255]]
    """
    data = _as_bytes(rle)
    if height <= 0 or width <= 0:
        raise ValueError(f"height, width: {height} x {width} is no image size; give original_height, original_width")
    if len(data) * 8 < HEADER_BITS:
        raise ValueError(f"rle: {len(data)} bytes are too short for a header of 7; the region's rle is cut off")
    header = int.from_bytes(data[:7], "big") >> (7 * 8 - HEADER_BITS)
    words = header >> 21
    if words != CHANNELS * height * width:
        raise ValueError(
            f"rle: holds {words} words, but {CHANNELS} x {height} x {width} = {CHANNELS * height * width} are wanted; "
            "give original_height and original_width of the region that the rle comes from"
        )
    word_bits = (header >> 16 & 31) + 1
    if word_bits != WORD_BITS:
        raise ValueError(f"rle: words of {word_bits} bits; Label Studio writes words of {WORD_BITS}, so it is corrupt")
    run_sizes = tuple((header >> shift & 15) + 1 for shift in (12, 8, 4, 0))
    values, lengths = _packets(data, words, run_sizes)
    # Alpha is every fourth word: a run from word a to word b holds b // 4 - a // 4 of them.
    pixels = np.diff(np.cumsum(lengths) // CHANNELS, prepend=0)
    return np.repeat(values, pixels).reshape(height, width)


def _check_size(field: str, pixels: NDArray[np.bool_] | NDArray[np.uint8]) -> None:
    if pixels.ndim != 2 or pixels.size == 0:
        raise ValueError(f"{field}: shape {pixels.shape} is not (height, width) of at least one pixel each")
    if pixels.size * CHANNELS >= 1 << 32:
        raise ValueError(f"{field}: {pixels.size} pixels do not fit in brush RLE; use an image below 2**30 pixels")


def _ends(flat: NDArray[np.bool_] | NDArray[np.uint8]) -> NDArray[np.int64]:
    """End (exclusive) of every run of equal values, int64 (runs,)."""
    return np.append(np.flatnonzero(flat[1:] != flat[:-1]) + 1, flat.size).astype(np.int64)


def _stream(borders: NDArray[np.int64], first_is_foreground: bool) -> list[int]:
    """The whole stream of a mask whose runs, alternating, lie between neighbouring `borders` (in pixels)."""
    runs = np.diff(borders) * CHANNELS
    values = np.zeros(len(runs), dtype=np.uint64)
    values[1 - first_is_foreground :: 2] = FOREGROUND

    # Label Studio's SDK keeps the widest run size for the rest of a run that it had to cut.
    index = np.searchsorted(np.left_shift(1, RUN_SIZES[:-1]), runs)
    pieces = (runs + LONGEST_RUN - 1) // LONGEST_RUN
    lengths = np.full(int(pieces.sum()), LONGEST_RUN, dtype=np.int64)
    lengths[np.cumsum(pieces) - 1] = runs - (pieces - 1) * LONGEST_RUN
    values, index = np.repeat(values, pieces), np.repeat(index, pieces)

    sizes = np.array(RUN_SIZES)[index]
    bits = sizes + _FIXED_BITS
    ends = HEADER_BITS + np.cumsum(bits)
    starts = ends - bits
    packets = (0b100 | index).astype(np.uint64)
    packets = packets << sizes.astype(np.uint64) | (lengths - 1).astype(np.uint64)
    packets = packets << np.uint64(WORD_BITS) | values
    packets <<= (_PACKET_BYTES * 8 - bits - starts % 8).astype(np.uint64)

    total_bits = int(ends[-1])
    # The SDK pads even a stream that already ends with a byte, by a whole byte.
    stream = np.zeros(total_bits // 8 + 1 + _PACKET_BYTES, dtype=np.uint8)
    header = CHANNELS * int(borders[-1] - borders[0]) << 21 | (WORD_BITS - 1) << 16
    for size, shift in zip(RUN_SIZES, (12, 8, 4, 0), strict=True):
        header |= size - 1 << shift
    stream[:7] = np.frombuffer((header << 7 * 8 - HEADER_BITS).to_bytes(7, "big"), dtype=np.uint8)
    # Packets are longer than a byte, so that no two of them start in the same one: each of these
    # assignments touches a byte once, and a plain |= loses nothing.
    first = starts // 8
    for byte in range(_PACKET_BYTES):
        stream[first + byte] |= (packets >> np.uint64(8 * (_PACKET_BYTES - 1 - byte))).astype(np.uint8)
    return stream[: total_bits // 8 + 1].tolist()


def _as_bytes(rle: Sequence[int] | bytes) -> bytes:
    if not isinstance(rle, Sequence) or isinstance(rle, str):
        raise ValueError(f"rle: {type(rle).__name__} is no list of bytes; give the region's value.rle as it came")
    try:
        return bytes(rle)
    except (TypeError, ValueError) as error:
        raise ValueError(f"rle: not a list of integers 0..255 ({error}); give the region's value.rle") from None


def _packets(data: bytes, words: int, run_sizes: tuple[int, ...]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Runs of the stream: values uint8 (runs,) and lengths in words int64 (runs,)."""
    values = bytearray()
    lengths: list[int] = []
    done, position, total_bits = 0, HEADER_BITS, len(data) * 8
    while done < words:
        # A slice past the end is shorter than _PACKET_BYTES: pad it with zeros, the check below refuses it.
        window = int.from_bytes(
            data[position >> 3 : (position >> 3) + _PACKET_BYTES].ljust(_PACKET_BYTES, b"\0"), "big"
        )
        window = (window << (position & 7)) & 0xFF_FFFF_FFFF
        size = run_sizes[window >> 37 & 3]
        count = (window >> 37 - size & (1 << size) - 1) + 1
        repeated = window >> 39
        if repeated or count == 1:
            values.append(window >> 29 - size & 255)
            lengths.append(count)
            position += _FIXED_BITS + size
        else:
            position += 3 + size
            values += _literals(data, position, count)
            lengths += [1] * count
            position += count * WORD_BITS
        if position > total_bits:
            raise ValueError(f"rle: ends after {done} of {words} words; the region's rle is cut off or corrupt")
        done += count
    if done > words:
        raise ValueError(f"rle: its last packet runs {done - words} words past the {words} announced; it is corrupt")
    return np.frombuffer(bytes(values), dtype=np.uint8), np.array(lengths, dtype=np.int64)


def _literals(data: bytes, position: int, count: int) -> bytes:
    """`count` bytes that start at bit `position`; fewer where the stream ends."""
    chunk = np.frombuffer(data[position >> 3 : (position >> 3) + count + 1], dtype=np.uint8).astype(np.uint16)
    pairs = chunk << 8
    pairs[:-1] |= chunk[1:]
    return (pairs >> (8 - (position & 7))).astype(np.uint8)[:count].tobytes()
