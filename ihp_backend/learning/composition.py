"""Composed views: several people in one view, a part that fills it, other backgrounds (copy-paste augmentation).

A data set of one whole person per photograph teaches nothing about groups, close-ups and other places. People are cut
out along their own outlines and pasted into one another's views (Ghiasi et al. 2021, "Simple Copy-Paste").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ihp_backend.datasets import Sample
from ihp_backend.labels import IGNORE, LabelSet
from ihp_backend.learning.augmentation import PADDING, mirror, random_light, random_view, rescale

View = tuple[NDArray[np.uint8], NDArray[np.uint8]]
"""image uint8 (height, width, 3) and parsing uint8 (height, width), 255 = ignore"""

FEATHER = 0.7
"""Standard deviation in pixels of the blur over the outline of what is pasted."""


@dataclass(frozen=True)
class CompositionRecipe:
    """Recipe by which views are composed; what no share takes is a plain random view.

    Attributes:
        groups: share of the views that show several people.
        people: largest number of people in such a view.
        group_scales: smallest and largest scale of a person in it, drawn evenly on a log scale.
        whole: share of these people that bring a rectangle of their own background with them.
        parts: share of the views in which one part, or a few of them, fill the view.
        enlargement: largest scale of such a view.
        textures: share of all views in which a texture replaces the background.
    """

    groups: float = 0.0
    people: int = 5
    group_scales: tuple[float, float] = (0.2, 0.9)
    whole: float = 0.3
    parts: float = 0.0
    enlargement: float = 6.0
    textures: float = 0.0

    def draw(
        self,
        sample_of: Callable[[int], Sample],
        labels: LabelSet,
        size: tuple[int, int],
        scales: tuple[float, float],
        rng: np.random.Generator,
    ) -> View:
        """A view of exactly ``size`` (height, width).

        Args:
            sample_of: the photograph of the view (0), and others (1, 2, ...).
            labels: of the data set.
            size, scales: of a plain view, see ``random_view``.
            rng: of the view.
        """
        if not (self.groups or self.parts or self.textures):  # Plain views stay those that they were, draw by draw.
            return random_view(sample_of(0), labels, size, scales, rng)
        kind = rng.random()
        textured = rng.random() < self.textures
        if kind < self.groups:
            return self._group(sample_of, labels, size, textured, rng)
        sample = sample_of(0)
        if textured:
            sample = _on_texture(sample, rng)
        if kind < self.groups + self.parts and (view := self._part(sample, labels, size, rng)):
            return view
        return random_view(sample, labels, size, scales, rng)

    def _group(
        self,
        sample_of: Callable[[int], Sample],
        labels: LabelSet,
        size: tuple[int, int],
        textured: bool,
        rng: np.random.Generator,
    ) -> View:
        """People pasted over one another; those further down in the view are nearer, so they come last."""
        count = int(rng.integers(2, self.people + 1))
        usual = rng.uniform(*np.log(self.group_scales))
        if textured:
            image, parsing = texture(size, rng), np.zeros(size, np.uint8)
        else:
            image, parsing = random_view(sample_of(count), labels, size, (float(np.exp(usual)),) * 2, rng)
            image = np.where((parsing == IGNORE)[..., None], texture(size, rng), image).astype(np.uint8)
            parsing[parsing == IGNORE] = 0
        people = []
        for number in range(count):
            sample = sample_of(number)
            scale = float(np.clip(np.exp(usual + rng.normal(0, 0.2)), *self.group_scales))
            person = _cut(*rescale(sample.image, sample.parsing, scale), whole=rng.random() < self.whole)
            if person is not None:
                people.append(person)
        bottoms = np.sort(rng.uniform(0.5, 1.3, len(people)))
        for (cut, mask, its_image), bottom in zip(people, bottoms, strict=True):
            its_image = random_light(its_image, rng)
            if rng.random() < 0.5:
                its_image, cut = mirror(its_image, cut, labels)
                mask = np.asarray(mask[:, ::-1])
            height, width = cut.shape
            top = int(bottom * size[0]) - height
            left = int(rng.integers(-width // 3, max(size[1] - 2 * width // 3, 1)))
            _paste(image, parsing, its_image, cut, mask, top, left)
        return random_light(image, rng), parsing

    def _part(self, sample: Sample, labels: LabelSet, size: tuple[int, int], rng: np.random.Generator) -> View | None:
        """A view around one part; None of a photograph without any."""
        shown = np.setdiff1d(np.unique(sample.parsing), (0, IGNORE))
        if not len(shown):
            return None
        row, column = np.nonzero(sample.parsing == rng.choice(shown))
        chosen = int(rng.integers(len(row)))
        extent = max(np.ptp(row) / size[0], np.ptp(column) / size[1], 4 / min(size))
        scale = min(float(rng.uniform(0.4, 1.1) / extent), self.enlargement)
        y, x = (np.median(row), np.median(column)) if rng.random() < 0.7 else (row[chosen], column[chosen])
        image, parsing = _around(sample, (float(y), float(x)), scale, size)
        if rng.random() < 0.5:
            image, parsing = mirror(image, parsing, labels)
        return random_light(image, rng), parsing


def _around(sample: Sample, middle: tuple[float, float], scale: float, size: tuple[int, int]) -> View:
    """The view of ``size`` around a place of a photograph, at a scale; 255 beyond its edges."""
    height, width = size
    # Pixel centres correspond: view (0, 0) is its first pixel's centre.
    move = np.array(
        [
            [scale, 0, (width - 1) / 2 - scale * middle[1]],
            [0, scale, (height - 1) / 2 - scale * middle[0]],
        ]
    )
    source, parsing = sample.image, sample.parsing
    if scale < 1:  # Interpolation alone would skip pixels.
        source = cv2.GaussianBlur(source, (0, 0), 0.4 / scale).astype(np.uint8, copy=False)
    grey = (PADDING,) * 3
    image = cv2.warpAffine(source, move, (width, height), flags=cv2.INTER_LINEAR, borderValue=grey)
    moved = cv2.warpAffine(parsing, move, (width, height), flags=cv2.INTER_NEAREST, borderValue=(IGNORE,))
    return image.astype(np.uint8, copy=False), moved.astype(np.uint8, copy=False)


def _cut(
    image: NDArray[np.uint8], parsing: NDArray[np.uint8], *, whole: bool
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]] | None:
    """A person's rectangle: parsing, mask of what is pasted and image; None where there is nobody."""
    person = (parsing != 0) & (parsing != IGNORE)
    left, top, width, height = cv2.boundingRect(person.view(np.uint8))
    if not width:
        return None
    part = slice(top, top + height), slice(left, left + width)
    mask = np.ones((height, width), np.uint8) if whole else person[part].view(np.uint8)
    return parsing[part].copy(), mask.copy(), image[part].copy()


def _paste(
    image: NDArray[np.uint8],
    parsing: NDArray[np.uint8],
    its_image: NDArray[np.uint8],
    its_parsing: NDArray[np.uint8],
    mask: NDArray[np.uint8],
    top: int,
    left: int,
) -> None:
    """Pastes what lies inside the view, in place."""
    height, width = parsing.shape
    first, last = max(top, 0), min(top + len(mask), height)
    start, end = max(left, 0), min(left + mask.shape[1], width)
    if first >= last or start >= end:
        return
    into = slice(first, last), slice(start, end)
    of = slice(first - top, last - top), slice(start - left, end - left)
    soft = np.ascontiguousarray(mask, np.float32)
    share = cv2.GaussianBlur(soft, (0, 0), FEATHER, borderType=cv2.BORDER_CONSTANT)[of][..., None]
    image[into] = np.rint(share * its_image[of] + (1 - share) * image[into])
    parsing[into] = np.where(mask[of] > 0, its_parsing[of], parsing[into])


def _on_texture(sample: Sample, rng: np.random.Generator) -> Sample:
    """The people of a photograph before a texture."""
    image = texture(sample.parsing.shape, rng)
    parsing = np.where(sample.parsing == IGNORE, 0, sample.parsing).astype(np.uint8)
    person = ((sample.parsing != 0) & (sample.parsing != IGNORE)).view(np.uint8)
    pasted = np.zeros_like(parsing)
    _paste(image, pasted, sample.image, parsing, person, 0, 0)
    return Sample(image, pasted, sample.id)


def texture(size: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A picture of nothing, uint8 (height, width, 3): noise of several grains, with or without stripes and blots."""
    height, width = size
    picture = np.empty((height, width, 3), np.float32)
    picture[:] = rng.uniform(20, 235, 3)
    for grain in rng.choice([2, 4, 8, 16, 48, 120], int(rng.integers(1, 4)), replace=False).tolist():
        rows, columns = max(height // grain, 2), max(width // grain, 2)
        channels = 3 if rng.random() < 0.6 else 1
        noise = rng.normal(0, rng.uniform(4, 40), (rows, columns, channels)).astype(np.float32)
        smooth = cv2.INTER_CUBIC if rng.random() < 0.7 else cv2.INTER_NEAREST
        picture += cv2.resize(noise, (width, height), interpolation=smooth).reshape(height, width, channels)
    if rng.random() < 0.4:
        y, x = np.indices(size, np.float32)
        angle, wave = rng.uniform(0, np.pi), rng.uniform(4, 80)
        stripes = np.sin((y * np.sin(angle) + x * np.cos(angle)) * (2 * np.pi / wave))
        picture += (np.sign(stripes) if rng.random() < 0.5 else stripes)[..., None] * rng.uniform(-40, 40, 3)
    for _ in range(int(rng.integers(0, 8))):
        middle = (int(rng.integers(width)), int(rng.integers(height)))
        axes = tuple(int(rng.integers(3, max(side // 3, 4))) for side in (width, height))
        colour = rng.uniform(0, 255, 3).tolist()
        cv2.ellipse(picture, middle, axes, float(rng.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)
    return np.clip(picture, 0, 255).astype(np.uint8)
