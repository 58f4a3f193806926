"""Switches off a machine that serves amid clicks, and one that learns amid a fine-tuning job; looks what is lost.

``python -m tests.shared.kills --kills 4``

Two machines serve behind nginx, two learn; they share PostgreSQL and S3. Annotators click and submit all the while.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import requests

from ihp_backend.finetuning.progress import Report
from ihp_backend.finetuning.workspace import Workspace
from ihp_backend.label_studio.masks.brush_rle import encode
from ihp_backend.storage.database import postgresql_url
from ihp_backend.storage.places import Places
from tests.conftest import s3_environment
from tests.finetuning.tiny_model import write_tiny_model
from tests.live_exports import LiveExports
from tests.pictures import picture
from tests.postgresql_server import postgresql_server
from tests.shared.annotators import CONFIG, PROJECT, Crowd, photograph
from tests.shared.machines import Machines, machines

KEY = str(PROJECT)
ACCEPTED = range(1001, 1031)
PATIENCE = 900.0
"""Seconds within which a job comes as far as is waited for; on a busy machine what only learns is served last."""
SERVING, LEARNING = ("serving-a", "serving-b"), ("learning-a", "learning-b")


def accept(url: str, task: int) -> None:
    """Tells of a photograph that is drawn on, and submitted."""
    _, parsing = picture(task)
    result = [
        {"id": name, "type": "brushlabels", "to_name": "image", "original_height": 96, "original_width": 64,
         "value": {"rle": encode(parsing == label), "brushlabels": [name]}}
        for label, name in ((1, "Hat"), (2, "Coat"))
    ]  # fmt: skip
    annotation = {"id": task, "task": task, "result": result, "updated_at": "2026-11-20T07:01:00Z"}
    event: dict[str, Any] = {"action": "ANNOTATION_CREATED", "annotation": annotation}
    event["task"] = {"id": task, "data": {"image": photograph(task)}}
    event["project"] = {"id": PROJECT, "label_config": CONFIG}
    requests.post(f"{url}/webhook", json=event, timeout=30).raise_for_status()


def switch_off(started: Machines, rng: np.random.Generator) -> None:
    """Switches off a machine that serves, amid clicks, and on again."""
    name = SERVING[int(rng.integers(2))]
    time.sleep(float(rng.uniform(1, 3)))
    started.kill(name)
    time.sleep(float(rng.uniform(0, 3)))
    started.serve(name)
    time.sleep(6)  # Until nginx asks it again.


def wait_for(looking: Workspace, what: str, patience: float, other_than: int = 0) -> Report:
    """The project's fine-tuning job, once its state is that; "training" is some steps of it."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        report = looking.progress(KEY).current()
        if report and (
            report.state == what or (report.state == "running" and report.stage == what and report.step > 3)
        ):
            return report
        time.sleep(0.1)
    raise AssertionError(f"no {what} within {patience:.0f} s: {looking.progress(KEY).current()}")


def _as_on_machines_of_their_own(started: Machines, ended: Event) -> None:
    """Lets fine-tuning jobs run although all other machines, which are one here, are busy."""
    while not ended.wait(1.0):
        groups = {process.pid for name, process in list(started.processes.items()) if name in LEARNING}
        for place in Path("/proc").glob("[0-9]*/task/[0-9]*"):
            with suppress(OSError):
                if os.getpgid(int(place.parts[2])) in groups:
                    os.sched_setscheduler(int(place.name), os.SCHED_OTHER, os.sched_param(0))
                    os.setpriority(os.PRIO_PROCESS, int(place.name), 0)


def run(folder: Path, shared: Mapping[str, str], model: Path, kills: int, seed: int = 0) -> dict[str, object]:
    """Kills so often; gives what was counted.

    Args:
        folder: for data folders and logs.
        shared: variables that say what machines share.
        model: a live network that learns within seconds.
        kills: of machines that serve; of those that learn one is killed.
        seed: of chance.

    Raises:
        AssertionError: a click, an event or a version is lost, or a request failed.
    """
    rng = np.random.default_rng(seed)
    (folder / "looking").mkdir()
    looking = Workspace(Places(folder / "looking", postgresql_url(shared["IHP_DATABASE"]), shared["IHP_STORAGE"]))
    with machines(folder, shared, str(model)) as started:
        for name in SERVING:
            started.serve(name)
        url = started.nginx()
        for name in LEARNING:
            started.work(name)
        ended = Event()
        Thread(target=_as_on_machines_of_their_own, args=(started, ended), daemon=True).start()
        with Crowd(url, 2, pause=2.0) as crowd:
            for task in ACCEPTED:
                accept(url, task)
            for _ in range(kills):
                switch_off(started, rng)
            first = wait_for(looking, "training", PATIENCE)
            # The job's process is in the group of its worker.
            (learner,) = (name for name in LEARNING if started.processes[name].pid == os.getpgid(first.process))
            started.kill(learner)
            killed = time.monotonic()
            wait_for(looking, "interrupted", PATIENCE)
            wait_for(looking, "training", PATIENCE, other_than=first.process)
            given_back = time.monotonic() - killed
            while (report := looking.progress(KEY).current()) is None or report.state == "running":
                time.sleep(0.5)
            assert report.version is not None, report
            looking.versions.promote(KEY, report.version, "by hand")
            time.sleep(3)
            for annotator in crowd.annotators:
                annotator.task += 100  # Tasks that were begun keep their version.
            time.sleep(5)
        ended.set()
        for annotator in crowd.annotators:
            assert annotator.failures == [], annotator.failures
            tasks = (annotator.task - 100, annotator.task)
            signs = {name for task in tasks for name in looking.click_memory().signs(KEY, str(task))}
            assert signs == set(annotator.clicks), "a click is lost"
            assert any(version.endswith(report.version[-8:]) for version in annotator.versions), annotator.versions
        acknowledged = {event for annotator in crowd.annotators for event in annotator.events}
        recorded = {event.id for event in looking.inbox.events()}
        assert acknowledged <= recorded, "an event is lost"
        assert looking.versions.current(KEY) == report.version
        looking.versions.check(KEY, report.version)
        seconds = [one for annotator in crowd.annotators for one in annotator.seconds]
    return {
        "machines switched off": kills + 1,
        "clicks answered, and standing": sum(len(annotator.clicks) for annotator in crowd.annotators),
        "requests that failed": 0,
        "events acknowledged": len(acknowledged) + len(ACCEPTED),
        "events recorded": len(recorded),
        "seconds from the kill to the other worker's training": round(given_back, 1),
        "fine-tuning jobs": [one.state for one in looking.progress(KEY).history()],
        "version": report.version,
        "milliseconds of a click, median": round(1000 * statistics.median(seconds)),
        "milliseconds of a click, slowest": round(1000 * max(seconds)),
    }


def main() -> None:
    """The command."""
    from moto.server import ThreadedMotoServer

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    s3 = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    s3.start()
    with tempfile.TemporaryDirectory() as folder, postgresql_server() as server:
        os.environ.update(s3_environment("http://{}:{}".format(*s3.get_host_and_port())))
        import s3fs

        s3fs.S3FileSystem().mkdirs("ihp", exist_ok=True)
        model = write_tiny_model(Path(folder) / "tiny", LiveExports(Path(folder) / "exports"))
        shared = {"IHP_DATABASE": server.text("kills"), "IHP_STORAGE": "s3://ihp/kills"}
        for what, count in run(Path(folder), shared, model, chosen.kills, chosen.seed).items():
            print(f"{what}: {count}")
    s3.stop()


if __name__ == "__main__":
    main()
