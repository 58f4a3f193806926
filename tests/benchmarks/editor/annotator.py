"""A simulated annotator in the real editor: clicks each part once, then corrects what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page

from examples.demo.settings import LABELLING_CONFIG
from ihp_backend.clicks import Click, central_clicks, correction_clicks
from ihp_backend.label_studio.api.client import Record
from ihp_backend.label_studio.masks.mask_regions import mask_regions
from ihp_backend.labels import CCP

HOTKEYS: dict[str, str] = dict(re.findall(r'<Label value="([^"]+)" hotkey="(\w)"', LABELLING_CONFIG.read_text()))

CANDIDATES = 20
"""Places to choose from when others are taken."""

# A photograph may be longer than the page: what is to be clicked is brought into its middle. A place is free where
# neither a click's dot nor the tick or cross of a suggestion lies.
FREE = """([x, y]) => {
  const image = Htx.annotationStore.selected.objects[0], stage = image.stageRef;
  const point = stage.getAbsoluteTransform().point({x: x / 100 * image.stageWidth, y: y / 100 * image.stageHeight});
  const down = stage.container().getBoundingClientRect().top + point.y;
  if (down < 230 || down > innerHeight - 80) {
    for (let box = stage.container(); box; box = box.parentElement) {
      if (box.scrollHeight > box.clientHeight + 1 && /auto|scroll/.test(getComputedStyle(box).overflowY)) {
        box.scrollTop += down - innerHeight / 2;
        break;
      }
    }
  }
  return !stage.find('Circle').some(circle => {
    const at = circle.getAbsolutePosition();
    return Math.hypot(at.x - point.x, at.y - point.y) < circle.radius() * circle.getAbsoluteScale().x + 6;
  });
}"""


class Annotator:
    """At work on one task.

    Args:
        page: of the editor.
        parsing: the truth, uint8 (height, width) in the ids of CCP.
        seed: of the places clicked.
    """

    def __init__(self, page: Page, parsing: NDArray[np.uint8], seed: int) -> None:
        self._page, self._parsing = page, parsing
        self._rng = np.random.default_rng(seed)
        self._shown = np.zeros_like(parsing)
        self._clicked: list[tuple[int, int]] = []

    def next(self) -> tuple[str, str, float, float]:
        """Label, its key, and where to click in percent."""
        height, width = self._parsing.shape
        for click in self._candidates():
            x, y = (click.x + 0.5) / width * 100, (click.y + 0.5) / height * 100
            if self._page.evaluate(FREE, [x, y]):
                self._clicked.append((click.x, click.y))
                name = CCP.names[click.label]
                return name, HOTKEYS[name], x, y
        raise RuntimeError("no place is left to click; give fewer --clicks or more --tasks")

    def see(self, regions: list[Record]) -> None:
        """What is shown now."""
        self._shown = np.zeros_like(self._parsing)
        for region in mask_regions(regions):
            self._shown[region.mask()] = CCP.id_of(str(region.label))

    def _candidates(self) -> Iterator[Click]:
        """Parts without a click first, then what is wrong, then anything."""
        known = {int(self._parsing[y, x]) for x, y in self._clicked}
        initial = central_clicks(self._parsing, self._rng)
        yield from (click for click in initial if click.label not in known and click.label != 0)
        yield from correction_clicks(self._parsing, self._shown, self._rng, CANDIDATES, clicked=self._clicked)
        parts = np.argwhere((self._parsing > 0) & (self._parsing != 255))
        for y, x in self._rng.choice(parts, CANDIDATES):
            yield Click(int(x), int(y), int(self._parsing[y, x]))
