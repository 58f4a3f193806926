"""Random views of a sample: scale, crop, mirror, brightness; pure functions with a generator as argument."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ihp_backend.datasets import Sample
from ihp_backend.labels import IGNORE, LabelSet

PADDING = 127
"""Grey that fills a crop beyond the photograph; its pixels are ignored in the parsing."""


def random_view(
    sample: Sample,
    labels: LabelSet,
    size: tuple[int, int],
    scales: tuple[float, float],
    rng: np.random.Generator,
    *,
    rotation: float = 0.0,
    colours: bool = True,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A random crop of the randomly scaled, turned, mirrored and lit sample.

    Args:
        size: (height, width) of the crop.
        scales: smallest and largest scale, drawn evenly on a log scale.
        rotation: largest angle in degrees; six in ten views are turned (as in SCHP's published code).
        colours: whether brightness, contrast and colours change.

    Returns:
        image uint8 (height, width, 3) and parsing uint8 (height, width), 255 where the crop leaves the photograph.
    """
    scale = float(np.exp(rng.uniform(*np.log(scales))))
    image, parsing = rescale(sample.image, sample.parsing, scale)
    if rotation and rng.random() < 0.6:
        image, parsing = rotated(image, parsing, float(rng.uniform(-rotation, rotation)))
    image, parsing = random_crop(image, parsing, size, rng)
    if rng.random() < 0.5:
        image, parsing = mirror(image, parsing, labels)
    return random_light(image, rng) if colours else image, parsing


def rescale(
    image: NDArray[np.uint8], parsing: NDArray[np.uint8], scale: float
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Both resized by ``scale``: the photograph smoothly, the parsing to nearest."""
    height, width = (max(round(side * scale), 1) for side in parsing.shape)
    smooth = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    scaled = cv2.resize(image, (width, height), interpolation=smooth)
    parsed = cv2.resize(parsing, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    return scaled.astype(np.uint8, copy=False), parsed.astype(np.uint8, copy=False)


def rotated(
    image: NDArray[np.uint8], parsing: NDArray[np.uint8], degrees: float
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Both turned about their middle; corners that were not there are grey, and ignored in the parsing."""
    height, width = parsing.shape
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1)
    turned = cv2.warpAffine(image, turn, (width, height), flags=cv2.INTER_LINEAR, borderValue=(PADDING,) * 3)
    parsed = cv2.warpAffine(parsing, turn, (width, height), flags=cv2.INTER_NEAREST, borderValue=(IGNORE,))
    return turned.astype(np.uint8, copy=False), parsed.astype(np.uint8, copy=False)


def random_crop(
    image: NDArray[np.uint8], parsing: NDArray[np.uint8], size: tuple[int, int], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A crop of exactly ``size`` (height, width); where the photograph is smaller it lies at a random place inside."""
    crop_image = np.full((*size, 3), PADDING, np.uint8)
    crop_parsing = np.full(size, IGNORE, np.uint8)
    source, target = [], []
    for have, want in zip(parsing.shape, size, strict=True):
        offset = int(rng.integers(abs(have - want) + 1))
        length = min(have, want)
        source.append(slice(offset, offset + length) if have > want else slice(0, length))
        target.append(slice(offset, offset + length) if have <= want else slice(0, length))
    crop_image[target[0], target[1]] = image[source[0], source[1]]
    crop_parsing[target[0], target[1]] = parsing[source[0], source[1]]
    return crop_image, crop_parsing


def mirror(
    image: NDArray[np.uint8], parsing: NDArray[np.uint8], labels: LabelSet
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Both mirrored left to right; a left arm becomes a right arm, as the person's sides change with the picture."""
    exchange = np.arange(256, dtype=np.uint8)
    exchange[: len(labels)] = labels.mirrored_ids()
    return np.ascontiguousarray(image[:, ::-1]), exchange[parsing[:, ::-1]]


def random_light(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Random contrast, brightness and colour cast, each channel within about a fifth."""
    gain = rng.uniform(0.8, 1.2) * rng.uniform(0.93, 1.07, 3)
    offset = rng.uniform(-20, 20)
    table = np.clip(np.arange(256)[:, None] * gain + offset, 0, 255).astype(np.uint8)
    return np.stack([table[image[..., channel], channel] for channel in range(3)], axis=-1)


def pad_to_multiple(
    image: NDArray[np.uint8], parsing: NDArray[np.uint8], multiple: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Both grown at the bottom and the right until height and width are multiples of ``multiple``."""
    bottom, right = (-side % multiple for side in parsing.shape)
    around = ((0, bottom), (0, right))
    return (
        np.pad(image, (*around, (0, 0)), constant_values=PADDING),
        np.pad(parsing, around, constant_values=IGNORE),
    )
