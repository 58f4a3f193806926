"""Kills server and worker at random points and looks whether anything is lost.

``python -m tests.finetuning.kills --kills 200``

A labelling tool tells of annotations made, changed and deleted while a server records them and a worker takes them in
and makes versions as fine-tuning jobs do. Both are killed with SIGKILL again and again, one or the other or both.
Whatever was acknowledged must count exactly once, and the version that serves must be whole at all times.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import requests
from rich.console import Console
from rich.progress import track

from ihp_backend.finetuning.ingest import ingest
from ihp_backend.finetuning.workspace import Workspace
from ihp_backend.storage.database import postgresql_url
from ihp_backend.storage.places import Places
from ihp_backend.storage.storage_error import StorageError

ROOT = Path(__file__).parents[2]
PROJECT = "2"

SERVER = """
import sys
from pathlib import Path
from ihp_backend.parsing.parser import Parser
from ihp_backend.server.serve import serve
from ihp_backend.server.server_settings import ServerSettings
from tests.server.stand_in import StandInParser
Parser.from_pretrained = lambda *_, **__: StandInParser()
serve(ServerSettings.from_environment(port=int(sys.argv[2]), data_dir=Path(sys.argv[1])))
"""

WORKER = """
import sys, threading, time
from pathlib import Path
from ihp_backend.label_studio.backend_settings import BackendSettings
from ihp_backend.label_studio.web.image_settings import ImageSettings
from ihp_backend.finetuning import worker as module
from ihp_backend.finetuning.run_job import RetrainingPolicy
from ihp_backend.finetuning.workspace import Workspace
workspace = Workspace(BackendSettings.from_environment(data_dir=Path(sys.argv[1])).places)
workspace.versions.tidy("2")
module.PAUSE = 0.01

def teach(project):
    # What the end of a fine-tuning job does, without the hours before it.
    number = len(workspace.versions.promotions(project)) + 1
    version = f"{number:04}-{time.time_ns()}"
    with workspace.versions.making(project, version) as folder:
        for part in range(4):
            (folder / f"part{part}").write_bytes(version.encode() * 20_000)
    workspace.versions.promote(project, version, "gate")
    workspace.versions.prune(project, keep=2)

module.check = lambda *_: (None, "always")
module.Worker(workspace, ImageSettings(), RetrainingPolicy(), teach).run(threading.Event())
"""


PATIENCE = 60.0
"""Seconds for a server and a worker to start and to do something."""


class Annotators:
    """Tell of their work until they are stopped, and remember what was acknowledged, and what may have been.

    Attributes:
        sure: annotation -> time stamp of its newest acknowledged word; None: deleted.
        unsure: annotations of which something was sent that was not acknowledged.
        acknowledged: how many events.
    """

    def __init__(self, url: str, seed: int) -> None:
        self._url, self._rng, self._stopped = url, np.random.default_rng(seed), Event()
        self.sure: dict[int, int | None] = {}
        self.unsure: set[int] = set()
        self.acknowledged = 0
        self._clock = 0
        self._thread = Thread(target=self._work)
        self._thread.start()

    def stop(self) -> None:
        """Ends their work."""
        self._stopped.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._stopped.is_set():
            current = [number for number, stamp in self.sure.items() if stamp is not None and number not in self.unsure]
            kind = self._rng.random()
            if kind < 0.6 or not current:
                self._tell("ANNOTATION_CREATED", len(self.sure) + len(self.unsure - self.sure.keys()) + 1)
            else:
                chosen = int(self._rng.choice(sorted(current)))
                self._tell("ANNOTATION_UPDATED" if kind < 0.9 else "ANNOTATIONS_DELETED", chosen)

    def _tell(self, action: str, number: int) -> None:
        self._clock += 1
        hours, minutes, seconds = self._clock // 3600, self._clock // 60 % 60, self._clock % 60
        annotation = {"id": number, "task": number % 50, "result": [], "completed_by": 1}
        annotation["updated_at"] = f"2026-11-20T{hours:02}:{minutes:02}:{seconds:02}Z"
        field = "annotations" if action == "ANNOTATIONS_DELETED" else "annotation"
        event: dict[str, Any] = {"action": action, "project": {"id": int(PROJECT), "label_config": "<View/>"}}
        event[field] = [{"id": number}] if field == "annotations" else annotation
        try:
            answer = requests.post(f"{self._url}/webhook", json=event, timeout=1)
            if answer.status_code == 201:
                self.acknowledged += 1
                self.sure[number] = None if field == "annotations" else self._clock
                return
        except requests.RequestException:
            time.sleep(0.02)
        self.unsure.add(number)


def start(program: str, *arguments: object, database: str = "") -> subprocess.Popen[bytes]:
    """A process in a group of its own, so that all of it is killed at once."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    environment = {**os.environ, "IHP_DATABASE": database}
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, start_new_session=True, env=environment)


def kill(process: subprocess.Popen[bytes]) -> None:
    """At once, with whatever it started."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def run(kills: int, seed: int, folder: Path, database: str = "") -> dict[str, int]:
    """Kills so often; gives what was counted.

    Args:
        kills: how often.
        seed: of chance.
        folder: the data folder.
        database: ``IHP_DATABASE``; "": SQLite files in the folder.

    Raises:
        AssertionError: something was lost, counted twice, or served half.
    """
    from examples.demo.processes import free_port

    rng, port = np.random.default_rng(seed), free_port()
    workspace = Workspace(Places(folder, postgresql_url(database) if database else None))
    programs: dict[str, tuple[Any, ...]] = {"server": (SERVER, folder, port), "worker": (WORKER, folder)}
    processes = {name: start(*program, database=database) for name, program in programs.items()}
    annotators = Annotators(f"http://127.0.0.1:{port}", seed)
    served = 0

    def at_work() -> None:
        """Waits until both have done something; on a busy machine a start alone takes seconds."""
        acknowledged, promoted = annotators.acknowledged, len(workspace.versions.promotions(PROJECT))
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends and (
            annotators.acknowledged <= acknowledged + 5 or len(workspace.versions.promotions(PROJECT)) <= promoted
        ):
            time.sleep(0.1)

    try:
        at_work()
        for _ in track(range(kills), "kills", console=Console(stderr=True), disable=kills < 20):
            time.sleep(float(rng.uniform(0.3, 2.0)))
            for name in (("server",), ("worker",), ("server", "worker"))[int(rng.integers(3))]:
                kill(processes[name])
                processes[name] = start(*programs[name], database=database)
            served += _serves_a_whole_one(workspace)
        at_work()
    finally:
        annotators.stop()
        for process in processes.values():
            kill(process)
    ingest(workspace.inbox, workspace.annotation_store)
    check(annotators, workspace)
    return {
        "kills": kills,
        "events acknowledged": annotators.acknowledged,
        "events recorded": workspace.inbox.count("ANNOTATION"),
        "annotations": len(annotators.sure),
        "versions promoted": len(workspace.versions.promotions(PROJECT)),
        "whole versions seen serving": served,
    }


def _serves_a_whole_one(workspace: Workspace) -> bool:
    """Whether a version serves; it must be whole, unless by now another one serves and it was removed as too old."""
    version = workspace.versions.current(PROJECT)
    if version is None:
        return False
    try:
        workspace.versions.check(PROJECT, version)
    except StorageError:
        if workspace.versions.current(PROJECT) == version:
            raise
    return True


def check(annotators: Annotators, workspace: Workspace) -> None:
    """Holds the annotation store against what was acknowledged; what was sent without an answer may be there or not."""
    current = {annotation.id: annotation.updated for annotation in workspace.annotation_store.current(PROJECT)}
    assert len(current) == len(workspace.annotation_store.current(PROJECT)), "an annotation counts twice"
    first = min(current.values(), default=0) // 86400 * 86400
    for number, stamp in annotators.sure.items():
        if number in annotators.unsure:
            continue
        if stamp is None:
            assert number not in current, f"annotation {number} was deleted and is there"
        else:
            assert current.get(number) == first + stamp, f"annotation {number} is lost, or an older word of it counts"
    known = annotators.sure.keys() | annotators.unsure
    assert current.keys() <= known, f"annotations that nobody made: {current.keys() - known}"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--database", default="", help="PostgreSQL's address, without tables; by default SQLite")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for what, count in run(chosen.kills, chosen.seed, Path(folder), chosen.database).items():
            print(f"{what}: {count}")


if __name__ == "__main__":
    main()
