"""Time of a click with and without a fine-tuning job beside it: ``python -m tests.finetuning.latency --clicks 200``.

One `ihp serve`, one opened photograph, clicks on its parts one after the other; first with nothing else going on, then
while the worker's fine-tuning job is in its training, then with nothing again. Wanted: at most twice the time.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import requests
from rich.progress import track

from examples.demo import backend, processes
from ihp_backend.evaluation import Annotator
from ihp_backend.finetuning.workspace import Workspace
from ihp_backend.label_studio.api.client import Record
from ihp_backend.label_studio.config.config_writer import labelling_config
from tests.contract.installation import IHP, up
from tests.finetuning.project.annotating import clicked, drawn_by_hand
from tests.finetuning.project.labels import LABELS, ProjectDataset
from tests.label_studio.image_server import ImageServer, sends

PROJECT, CONFIG = "7", labelling_config(LABELS)
ON_EACH = 20
"""Clicks on a photograph before the next one is taken; the first one, which opens it, is not counted."""

SPREAD = Annotator(minimum_area=0, off_centre=True)
"""Clicks anywhere in every part."""


def accept(workspace: Workspace, train: ProjectDataset, count: int, images: ImageServer) -> None:
    """Accepts photographs as the webhook would be told of them."""
    for task in range(1, count + 1):
        parsing, path = train.parsing(task), f"/{train.ids[task]}.jpg"
        images.routes[path] = sends(train.pairs[task].photograph.read_bytes(), "image/jpeg")
        annotation = {
            "id": task,
            "task": task,
            "result": drawn_by_hand(parsing, LABELS),
            "updated_at": "2026-11-20T07:01:00Z",
        }
        event = {"action": "ANNOTATION_CREATED", "annotation": annotation}
        event |= {"project": {"id": int(PROJECT), "label_config": CONFIG}}
        workspace.inbox.record({**event, "task": {"id": task, "data": {"image": images.url + path}}})


def click_times(url: str, val: ProjectDataset, clicks: int, first_task: int, images: ImageServer) -> list[float]:
    """Milliseconds of clicks on photographs that are open, all labels' clicks standing."""
    times: list[float] = []
    for photograph in track(range(-(-clicks // ON_EACH)), "clicking"):
        sample, path = val[photograph % len(val)], f"/val-{photograph}.jpg"
        images.routes[path] = sends(val.pairs[photograph % len(val)].photograph.read_bytes(), "image/jpeg")
        rng = np.random.default_rng(photograph)
        current: dict[str, list[Record]] = {}
        made = 0
        while made <= ON_EACH:
            for click in SPREAD.initial_clicks(sample.parsing, rng, rng)[: ON_EACH + 1 - made]:
                name = LABELS.names[click.label]
                current.setdefault(name, []).append(clicked(click, LABELS, sample.parsing.shape, made))
                body = {
                    "tasks": [{"id": first_task + photograph, "data": {"image": images.url + path}}],
                    "project": f"{PROJECT}.1", "label_config": CONFIG,
                    "params": {"context": {"result": current[name]}},
                }  # fmt: skip
                began = time.perf_counter()
                answer = requests.post(f"{url}/predict", json=body, timeout=60)
                passed = (time.perf_counter() - began) * 1000
                answer.raise_for_status()
                if not answer.json()["results"]:
                    raise SystemExit(f"latency: no answer to a click on {path}")
                times += [passed] if made else []
                made += 1
    return times[:clicks]


@contextmanager
def serving(folder: Path, model: str | None) -> Iterator[str]:
    """The address of an `ihp serve` with its worker."""
    port = processes.free_port()
    server = backend.server(IHP, folder, port, "", "", ["--model", model] if model else [])
    server = replace(server, environment={**server.environment, "IHP_ALLOW_PRIVATE_ADDRESSES": "1"})
    with up(server):
        yield f"http://127.0.0.1:{port}"


def wait_for_job(workspace: Workspace, patience: float = 900) -> None:
    """Waits until the worker's fine-tuning job is in its training."""
    began = time.monotonic()
    while (report := workspace.progress(PROJECT).current()) is None or report.stage != "training" or report.step < 3:
        if time.monotonic() - began > patience or (report and report.state != "running"):
            raise SystemExit(f"latency: no fine-tuning job trains: {report}")
        time.sleep(0.5)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("CCP"), help="folder of the CCP person crops")
    parser.add_argument("--clicks", type=int, default=200)
    parser.add_argument("--accepted", type=int, default=100, help="photographs of the fine-tuning job")
    parser.add_argument("--model", help="base model; default: the packaged one")
    chosen = parser.parse_args()
    train, val = (ProjectDataset(chosen.data, split) for split in ("train", "val"))
    images, times = ImageServer(), {}
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), chosen.model) as url:
        workspace = Workspace(Path(folder) / "backend")
        times["before"] = click_times(url, val, chosen.clicks, 1000, images)
        accept(workspace, train, chosen.accepted, images)
        wait_for_job(workspace)
        times["during a fine-tuning job"] = click_times(url, val, chosen.clicks, 2000, images)
        report = workspace.progress(PROJECT).current()
        if report is None or report.state != "running":
            raise SystemExit(
                "latency: the fine-tuning job ended before the clicks; give more --accepted or fewer --clicks"
            )
        workspace.progress(PROJECT).stop()
        while (report := workspace.progress(PROJECT).current()) and report.state == "running":
            time.sleep(0.5)
        times["after"] = click_times(url, val, chosen.clicks, 3000, images)
    for when, measured in times.items():
        print(f"{when}: p50 {np.percentile(measured, 50):.0f} ms, p95 {np.percentile(measured, 95):.0f} ms")
    alone = [*times["before"], *times["after"]]
    for share in (50, 95):
        ratio = np.percentile(times["during a fine-tuning job"], share) / np.percentile(alone, share)
        print(f"p{share} during a fine-tuning job: {ratio:.2f} times as long")


if __name__ == "__main__":
    main()
