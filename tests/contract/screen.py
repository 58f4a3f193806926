"""What is on the screen of the editor, compared with masks."""

from __future__ import annotations

import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page

PLACES = """(count) => {
  const image = Htx.annotationStore.selected.objects[0], stage = image.stageRef;
  const corner = stage.container().getBoundingClientRect(), transform = stage.getAbsoluteTransform();
  const at = (x, y) => transform.point({x: x * image.stageWidth, y: y * image.stageHeight});
  return [...Array(count * count).keys()].map(number => {
    const x = (number % count + 0.5) / count, y = (Math.floor(number / count) + 0.5) / count, point = at(x, y);
    return [x, y, corner.left + point.x, corner.top + point.y];
  });
}"""
"""Points of a grid over the photograph: x and y as shares of its sides, then as pixels of the page."""

HIDDEN = """() => {
  const stage = Htx.annotationStore.selected.objects[0].stageRef;
  stage.find('Circle').forEach(circle => circle.visible(false));
  stage.draw();
}"""
"""Takes away what lies on top of masks: dots of clicks, and the ticks and crosses of suggestions."""

GRID = 90
"""Points along each side of the grid."""

CHANGED = 12
"""Levels of grey by which a pixel under a mask differs at least; masks are half transparent."""


def picture(page: Page) -> NDArray[np.int16]:
    """The page's pixels, int16 (height, width, 3)."""
    page.mouse.move(5, 5)  # The pointer away from the photograph, or its cross-hair is in it.
    page.evaluate(HIDDEN)
    page.wait_for_timeout(300)
    return np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB"), np.int16)


def agreement(page: Page, before: NDArray[np.int16], after: NDArray[np.int16], mask: NDArray[np.bool_]) -> float:
    """The share of points at which the screen changed where the mask is and nowhere else.

    Points within two pixels of an outline are left out, since the screen has other pixels than the photograph.

    Args:
        page: of the editor.
        before, after: ``picture`` without and with the mask.
        mask: bool, in the photograph's size.
    """
    height, width = mask.shape
    kernel = np.ones((5, 5), np.uint8)
    inside = cv2.erode(mask.astype(np.uint8), kernel) > 0
    outside = cv2.dilate(mask.astype(np.uint8), kernel) == 0
    changed = np.abs(after - before).max(2) >= CHANGED
    right = []
    for share_x, share_y, x, y in page.evaluate(PLACES, GRID):
        if not (210 <= y < after.shape[0] - 60 and 0 <= x < after.shape[1]):
            continue  # Under the bars above and below the photograph.
        row, column = int(share_y * height), int(share_x * width)
        if inside[row, column] or outside[row, column]:
            right.append(bool(changed[int(y), int(x)]) == bool(inside[row, column]))
    assert len(right) > GRID, "the photograph is hardly on the screen"
    return float(np.mean(right))
