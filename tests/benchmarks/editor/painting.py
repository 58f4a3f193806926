"""When the answer to a click is on the screen, told by the page's own clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

SIDE = 128
"""Points along each side of the grid on which the canvas is looked at."""

QUIET = 400
"""Milliseconds without a change after which the painting is over."""

# Every frame the canvas's layers are copied onto a few points, which are compared with those of the frame before. A
# change was painted at the latest when the next frame begins, and that is the time that counts: at most one frame late.
WATCH = """(side) => {
  performance.clearResourceTimings();
  const stage = Htx.annotationStore.selected.objects[0].stageRef;
  const small = Object.assign(document.createElement('canvas'), {width: side, height: side});
  const context = small.getContext('2d', {willReadFrequently: true});
  context.imageSmoothingEnabled = false;
  const watch = window.clickWatch = {pressed: null, changes: [], frames: [], looking: 0, over: false};
  addEventListener('mousedown', event => watch.pressed ??= event.timeStamp, {capture: true, once: true});
  let last = null, changed = false;
  const look = () => {
    if (watch.over) return;
    const now = performance.now();
    watch.frames.push(now);
    if (changed) watch.changes.push(now);
    context.clearRect(0, 0, side, side);
    for (const layer of stage.getLayers()) context.drawImage(layer.getCanvas()._canvas, 0, 0, side, side);
    const seen = new Uint32Array(context.getImageData(0, 0, side, side).data.buffer);
    changed = last !== null && seen.some((value, place) => value !== last[place]);
    last = seen;
    watch.looking += performance.now() - now;
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""

OVER = """(quiet) => {
  const watch = window.clickWatch;
  const [entry] = performance.getEntriesByType('resource').filter(one => one.name.includes('interactive-annotating'));
  if (!entry?.responseEnd || Htx.awaitingSuggestions) return false;
  const newest = watch.changes.at(-1) ?? 0;
  return performance.now() - Math.max(entry.responseEnd, newest) > quiet;
}"""

RESULT = """() => {
  const watch = window.clickWatch;
  watch.over = true;
  const entries = performance.getEntriesByType('resource').filter(one => one.name.includes('interactive-annotating'));
  const [entry] = entries;
  const after = watch.changes.filter(time => time > entry.responseEnd);
  return {
    pressed: watch.pressed, asked: entry.startTime, answered: entry.responseEnd, painted: after.at(-1) ?? null,
    requests: entries.length, frames: watch.frames.length, looking: watch.looking,
    frame: (watch.frames.at(-1) - watch.frames[0]) / (watch.frames.length - 1),
  };
}"""


@dataclass(frozen=True)
class Painting:
    """Milliseconds of the page's clock.

    Attributes:
        pressed: the mouse button went down.
        asked: the page sent its question.
        answered: the whole answer was there.
        painted: the last change after it was on the screen; None where nothing changed on the grid.
        frame: mean time from frame to frame.
        looking: what looking at the canvas cost per frame.
    """

    pressed: float
    asked: float
    answered: float
    painted: float | None
    frame: float
    looking: float


def watch(page: Page) -> None:
    """Begin to look at the canvas, before a click."""
    page.evaluate(WATCH, SIDE)
    page.wait_for_function("() => clickWatch.frames.length > 1")


def painting(page: Page) -> Painting:
    """Wait until the canvas is quiet after the answer to a click, and tell what happened when.

    Raises:
        RuntimeError: the click was not one request of the page.
    """
    page.wait_for_function(OVER, arg=QUIET, polling=50)
    found: dict[str, Any] = page.evaluate(RESULT)
    if found["requests"] != 1 or found["pressed"] is None:
        raise RuntimeError(f"a click made {found['requests']} requests: {found}")
    looking = found["looking"] / found["frames"]
    names = ("pressed", "asked", "answered", "painted", "frame")
    return Painting(**{name: found[name] for name in names}, looking=looking)
