"""A click on a 512-pixel photograph: the runtime's parts, its engines, and the whole way through the server."""

from __future__ import annotations

import base64
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from ihp_backend.clicks import Click
from ihp_backend.parsing import Parser
from tests.benchmarks.timing import Row, timed, timed_in_turn

PHOTOGRAPH = Path(__file__).parents[2] / "examples" / "photographs" / "eileen_collins.jpg"
CONFIG = Path(__file__).parents[2] / "examples" / "labelling_configs" / "ccp.xml"


def request(number: int, width: int, height: int) -> dict:
    """An interactive request with one new click, as the editor sends it."""
    rng = np.random.default_rng(number)
    data = base64.b64encode(PHOTOGRAPH.read_bytes()).decode()
    click = {
        "id": f"click{number}", "type": "keypointlabels", "from_name": "click", "to_name": "image",
        "original_width": width, "original_height": height, "image_rotation": 0, "is_positive": True,
        "value": {"x": float(rng.uniform(20, 80)), "y": float(rng.uniform(20, 80)), "width": 0.2,
                  "keypointlabels": [("hair", "face", "upper clothes")[number % 3]]},
    }  # fmt: skip
    return {
        "tasks": [{"id": 1, "data": {"image": f"data:image/jpeg;base64,{data}"}}],
        "project": "1.1",
        "label_config": CONFIG.read_text(),
        "params": {"context": {"result": [click]}},
    }


def measure() -> list[Row]:
    """Opening, parsing with either engine, and 200 requests through the Flask application."""
    from ihp_backend.server.app import create_app
    from ihp_backend.server.settings import ServerSettings

    image = np.array(Image.open(PHOTOGRAPH).convert("RGB"))
    height, width = image.shape[:2]
    onnx, torch = Parser.from_pretrained(), Parser.from_pretrained(engine="torch")
    clicks = [Click(width // 2, height // 4, 13), Click(width // 2, height // 8, 2), Click(5, 5, 0)]
    scenes = {"onnx": onnx.open(image), "torch": torch.open(image)}
    ours, theirs = timed_in_turn(
        {
            "parse, ONNX Runtime": lambda: onnx.parse(scenes["onnx"], clicks),
            "parse, torch eager": lambda: torch.parse(scenes["torch"], clicks),
        }
    )
    rows = [
        replace(ours.against(theirs), note=f"{width} x {height}, {len(onnx.labels)} labels, 3 clicks"),
        theirs,
        timed("open, ONNX Runtime", lambda: onnx.open(image)),
    ]
    with tempfile.TemporaryDirectory() as folder:
        client = create_app(onnx, ServerSettings(data_dir=Path(folder))).test_client()
        bodies = [request(number, width, height) for number in range(200)]
        milliseconds = []
        for body in bodies:
            start = time.perf_counter()
            answer = client.post("/predict", json=body)
            milliseconds.append((time.perf_counter() - start) * 1000)
            assert answer.get_json()["results"][0]["result"], "every click must be answered with a mask"
    p50, p95 = np.percentile(milliseconds[1:], [50, 95])
    rows.append(Row("/predict, p50", float(p50), note="200 clicks on one task, standing clicks adding up"))
    return [*rows, Row("/predict, p95", float(p95))]
