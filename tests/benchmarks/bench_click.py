"""A click on a 512-pixel photograph: the runtime's parts, its engines, and the whole way through the server."""

from __future__ import annotations

import base64
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import requests
from PIL import Image

from examples.demo.processes import LOOPBACK, Server, free_port, start, stop, wait_until_healthy
from ihp_backend.clicks import Click
from ihp_backend.parsing import Parser
from tests.benchmarks.clicking import at_once
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


def through_the_server(width: int, height: int) -> list[float]:
    """Milliseconds of 200 clicks over HTTP, one after the other, on a server process of its own."""
    bodies = [request(number, width, height) for number in range(201)]
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        server = Server(
            name="the backend",
            command=[sys.executable, "-m", "ihp_backend.cli", "serve", "--port", str(port), "--data-dir", folder],
            environment=os.environ,
            health_url=f"http://{LOOPBACK}:{port}/health",
            log=Path(folder) / "log",
            record=Path(folder) / "process.json",
        )
        process = start(server)
        try:
            wait_until_healthy(server, process, timeout=60)
            milliseconds = []
            with requests.Session() as session:
                for body in bodies:
                    began = time.perf_counter()
                    answer = session.post(f"http://{LOOPBACK}:{port}/predict", json=body, timeout=60)
                    milliseconds.append((time.perf_counter() - began) * 1000)
                    assert answer.json()["results"][0]["result"], "every click must be answered with a mask"
        finally:
            stop(server.record)
    return milliseconds[1:]  # The first one opens the photograph.


def measure() -> list[Row]:
    """Opening, parsing with either engine, and 200 clicks through the server."""
    image = np.array(Image.open(PHOTOGRAPH).convert("RGB"))
    height, width = image.shape[:2]
    onnx, torch = Parser.from_pretrained(), Parser.from_pretrained(engine="torch")
    clicks = [Click(width // 2, height // 4, 13), Click(width // 2, height // 8, 2), Click(5, 5, 0)]
    scenes = {"onnx": onnx.open(image), "torch": torch.open(image)}
    ours, theirs = timed_in_turn(
        {
            "parse, ONNX Runtime": at_once(onnx, scenes["onnx"], clicks),
            "parse, torch eager": at_once(torch, scenes["torch"], clicks),
        }
    )
    p50, p95 = np.percentile(through_the_server(width, height), [50, 95])
    return [
        replace(ours.against(theirs), note=f"{width} x {height}, {len(onnx.labels)} labels, 3 clicks"),
        theirs,
        timed("open, ONNX Runtime", lambda: onnx.open(image)),
        Row("POST /predict, p50", float(p50), note="200 clicks on one task, active prompts adding up"),
        Row("POST /predict, p95", float(p95)),
    ]
