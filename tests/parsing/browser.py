"""What a real Chromium shows of image files."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.contract.editor import browser_page, chromium

Show = Callable[[bytes], NDArray[np.uint8] | None]
"""uint8 (height, width, 4), RGBA, of an image file; None where Chromium shows none."""

_SCRIPT = """
async ([data, type]) => {
  const bytes = Uint8Array.from(atob(data), character => character.charCodeAt(0));
  const image = new Image();
  const address = URL.createObjectURL(new Blob([bytes], {type}));
  const loaded = await new Promise(done => {
    image.onload = () => done(true);
    image.onerror = () => done(false);
    image.src = address;
  });
  const [width, height] = [image.naturalWidth, image.naturalHeight];
  if (!loaded || !width || !height) return null;
  const canvas = Object.assign(document.createElement('canvas'), {width, height});
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, width, height).data;
  let text = '';
  for (let start = 0; start < pixels.length; start += 8192)
    text += String.fromCharCode.apply(null, pixels.subarray(start, start + 8192));
  return {width, height, pixels: btoa(text)};
}
"""


@contextmanager
def shown_by_chromium() -> Iterator[Show]:
    """A browser that shows files; the test is skipped where there is none, and fails so in continuous integration."""
    program = chromium()
    if program is None:
        reason = "no Chromium on this machine, so nothing is compared with it: apt install chromium, or IHP_CHROMIUM=…"
        if os.environ.get("CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    with browser_page(program) as page:
        page.goto("about:blank")

        def show(data: bytes) -> NDArray[np.uint8] | None:
            kind = "image/svg+xml" if data.startswith(b"<svg") else "image/jpeg"  # Others are known by their bytes.
            found = page.evaluate(_SCRIPT, [base64.b64encode(data).decode(), kind])
            if found is None:
                return None
            pixels = np.frombuffer(base64.b64decode(found["pixels"]), np.uint8)
            return pixels.reshape(found["height"], found["width"], 4)

        yield show
