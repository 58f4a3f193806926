"""Masks of all labels as brush RLE: one pass, one label at a time, and Label Studio's SDK. And as bitmasks."""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ihp_backend.label_studio.masks.brush_rle import decode, encode, encode_labels
from ihp_backend.label_studio.masks.mask_pictures import mask_data_urls
from tests.benchmarks.timing import Row, timed, timed_in_turn

HEIGHT, WIDTH, LABELS = 1224, 1632, 20
SDK_PYTHON = Path(__file__).parents[2] / ".venv-label-studio" / "bin" / "python"
SDK_SCRIPT = """
import statistics, sys, time
import numpy as np
from label_studio_sdk.converter.brush import mask2rle
label_map, labels, seconds = np.load(sys.argv[1]), int(sys.argv[2]), []
for turn in range(6):
    start = time.perf_counter()
    for label in range(labels):
        mask2rle((label_map == label).astype(np.uint8) * 255)
    seconds.append(time.perf_counter() - start)
print(statistics.median(seconds[1:]) * 1000)
"""


def person_like(height: int, width: int, labels: int) -> NDArray[np.uint8]:
    """A background and `labels` - 1 parts with smooth borders, as a network's up-sampled answer has them."""
    rng = np.random.default_rng(0)
    best = np.full((height, width), -np.inf, dtype=np.float32)
    label_map = np.zeros((height, width), dtype=np.uint8)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    for label in range(labels):
        coarse = rng.normal(size=(height // 64, width // 64)).astype(np.float32)
        field = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        if label == 0:
            # The person stands in the middle and fills about a third of the photograph.
            field += 12 * np.hypot((columns / width - 0.5) / 0.2, (rows / height - 0.5) / 0.5) - 8
        better = field > best
        best[better], label_map[better] = field[better], label
    return label_map


def measure() -> list[Row]:
    """Encoding and decoding of a 2-megapixel label map, lists of integers included."""
    label_map = person_like(HEIGHT, WIDTH, LABELS)
    labels = range(LABELS)
    streams = encode_labels(label_map, labels)
    runs = int((np.diff(label_map.ravel()) != 0).sum()) + 1
    note = f"{WIDTH} x {HEIGHT}, {LABELS} labels, {runs} runs, {sum(map(len, streams.values()))} bytes"
    together, apart = timed_in_turn(
        {
            "encode_labels": lambda: encode_labels(label_map, labels),
            "encode per label": lambda: {label: encode(label_map == label) for label in labels},
        }
    )
    rows = [replace(together.against(apart), note=note), apart]
    if SDK_PYTHON.exists():
        with tempfile.TemporaryDirectory() as folder:
            np.save(Path(folder) / "label_map.npy", label_map)
            answer = subprocess.run(
                [SDK_PYTHON, "-c", SDK_SCRIPT, Path(folder) / "label_map.npy", str(LABELS)],
                capture_output=True,
                text=True,
            )
        if answer.returncode == 0:
            sdk = Row("SDK's mask2rle per label", float(answer.stdout.split()[-1]))
            rows[1:] = [apart.against(sdk), sdk]
    rows.append(timed("decode per label", lambda: [decode(streams[label], HEIGHT, WIDTH) for label in labels]))
    pictures = mask_data_urls(label_map, labels).values()
    note = f"{sum(map(len, pictures))} characters"
    rows.append(timed("bitmasks of all labels", lambda: mask_data_urls(label_map, labels), note=note))
    rows.append(timed("json.dumps of all", lambda: json.dumps(streams), note=f"{len(json.dumps(streams))} characters"))
    return rows
