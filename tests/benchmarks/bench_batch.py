"""A batch of 200 photographs: one at a time against several side by side."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any, cast

from PIL import Image

from ihp_backend.label_studio.predict.batches import Batches, BatchLimits
from ihp_backend.label_studio.predict.model_cache import OneModel
from ihp_backend.label_studio.predict.prediction_request import PredictionRequest
from ihp_backend.label_studio.predict.predictions import Predictions
from ihp_backend.parsing import Parser
from tests.benchmarks.timing import Row

ROOT = Path(__file__).parents[2]
PHOTOGRAPH = ROOT / "examples" / "photographs" / "eileen_collins.jpg"
CONFIG = (ROOT / "examples" / "labelling_configs" / "ccp.xml").read_text()
TASKS = [{"id": task, "data": {"image": f"/{task}.jpg"}} for task in range(200)]
SIZE = (1600, 2000)
SECONDS = 0.07
"""What Label Studio takes to hand out an uploaded file."""


class SlowImages:
    """The same photograph for every address, after the time that Label Studio takes."""

    def __init__(self) -> None:
        file = io.BytesIO()
        Image.open(PHOTOGRAPH).convert("RGB").resize(SIZE).save(file, "JPEG", quality=90)
        self.content = file.getvalue()

    def fetch(self, url: str, **_: Any) -> bytes:
        time.sleep(SECONDS)
        return self.content


def measure() -> list[Row]:
    """Milliseconds per photograph with one and with several in work."""
    parser, images = Parser.from_pretrained(), SlowImages()
    rows = []
    for parallel in (1, 4):
        predictions = Predictions(OneModel(parser), cast(Any, images))
        batches = Batches(predictions, BatchLimits(seconds=3600, parallel=parallel))
        began = time.perf_counter()
        items = batches.answer(TASKS, PredictionRequest("1", CONFIG), predictions.clock())
        seconds = time.perf_counter() - began
        assert all(item["result"] for item in items)
        note = f"{len(TASKS) / seconds:.1f} photographs/s, {SIZE[0]} x {SIZE[1]}, {SECONDS * 1000:.0f} ms to fetch each"
        rows.append(Row(f"a photograph of a batch, {parallel} in work", seconds * 1000 / len(TASKS), note=note))
    return [rows[0], rows[1].against(rows[0])]
