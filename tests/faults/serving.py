"""The real server in a process of its own, with a stand-in for the model, under limits or on a disk of its own."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.server.stand_in import capture, photograph

ROOT = Path(__file__).parents[2]

PROGRAM = """
import json, sys, time
from pathlib import Path
from ihp_backend.label_studio.web.image_settings import ImageSettings
from ihp_backend.parsing.parser import Parser
from ihp_backend.server.serve import serve
from ihp_backend.server.server_settings import ServerSettings
from tests.server.stand_in import StandInParser

folder, given = Path(sys.argv[1]), json.loads(sys.argv[2])
seconds = given.pop("parse_seconds", 0)

class SlowParser(StandInParser):
    def parse(self, *arguments, **more):
        time.sleep(seconds)
        return super().parse(*arguments, **more)

Parser.from_pretrained = lambda *_, **__: SlowParser()
images = ImageSettings(cache_dir=folder / "cache" / "images", **given.pop("images", {}))
serve(ServerSettings(port=0, data_dir=folder, images=images, **given))
"""


@dataclass
class Served:
    """A server that runs.

    Attributes:
        process: of gunicorn's arbiter.
        url: where it listens.
        log: its lines so far.
    """

    process: subprocess.Popen[str]
    url: str = ""
    log: list[str] = field(default_factory=list)

    def post(self, path: str, body: Any, seconds: float = 60) -> requests.Response:
        return requests.post(f"{self.url}{path}", json=body, timeout=seconds)

    def get(self, path: str, seconds: float = 60) -> requests.Response:
        return requests.get(f"{self.url}{path}", timeout=seconds)

    def status(self) -> dict[str, Any]:
        return dict(self.get("/status").json())

    def answers(self, task: int = 8) -> dict[str, Any]:
        """The item that answers a click; the server is also asked for all that it tells."""
        assert self.get("/health").json()["status"] == "UP"
        assert self.get("/metrics").status_code == 200
        answer = self.post("/predict", clicked(task))
        assert answer.status_code == 200, answer.text
        (item,) = answer.json()["results"]
        assert len(item["result"]) == 1, item
        return dict(item)


def clicked(task: int = 8, address: str | None = None, x: float = 50.0) -> dict[str, Any]:
    """A request with a click on a photograph, which comes with it where no address is given."""
    body = capture("10")["request"]
    picture = base64.b64encode(photograph()).decode()
    body["tasks"][0].update(id=task, data={"image": address or f"data:image/jpeg;base64,{picture}"})
    body["params"]["context"]["result"][0]["value"].update(x=x, y=50)
    return dict(body)


def server_command(data_dir: Path, **settings: Any) -> list[str]:
    """The command that runs the server; the settings are those of ``served``."""
    return [sys.executable, "-c", PROGRAM, str(data_dir), json.dumps(settings)]


@contextmanager
def served(
    folder: Path, before: Sequence[str] = (), temporary: Path | None = None, **settings: Any
) -> Iterator[Served]:
    """A server on ``folder / "data"`` for the time of the block.

    Args:
        folder: also for what else it writes.
        before: a command that is put before the server's.
        temporary: for temporary files; None: ``folder``.
        settings: of ``ServerSettings``; ``images``, of ``ImageSettings``; ``parse_seconds``, that the model takes.
    """
    data = folder / "data"
    data.mkdir(exist_ok=True)
    process = subprocess.Popen(
        [*before, *server_command(data, **settings)],
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "HOME": str(folder), "TMPDIR": str(temporary or folder)},
    )
    assert process.stderr is not None
    here = Served(process)
    try:
        for line in process.stderr:
            here.log.append(line)
            if found := re.search(r"listening on (https?://\S+),", line):
                here.url = found[1]
                break
        assert here.url, "".join(here.log)
        threading.Thread(target=here.log.extend, args=(process.stderr,), daemon=True).start()
        yield here
    finally:
        process.terminate()
        try:
            process.wait(30)
        finally:
            process.kill()


@dataclass(frozen=True)
class Disk:
    """A disk that only the server sees; needs user namespaces, which some containers forbid."""

    folder: Path

    def before(self, mebibytes: int, access: str = "rw") -> list[str]:
        """The command that makes the disk at ``folder`` and then runs the server."""
        made = f'mount -t tmpfs -o {access},size={mebibytes}m none {self.folder} && exec "$@"'
        return ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", made, "sh"]

    def inside(self, server: Served, command: str) -> None:
        """Runs a shell command where the server is; ``$0`` is the disk's folder."""
        target = ["nsenter", f"--target={server.process.pid}", "--user", "--preserve-credentials", "--mount"]
        subprocess.run([*target, "sh", "-c", command, str(self.folder)], check=True, capture_output=True)


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    """A disk to be made at the data folder."""
    tools = [tool for tool in ("unshare", "nsenter", "mount") if shutil.which(tool) is None]
    if tools:
        pytest.skip(f"no {tools[0]} (util-linux) to give the server a disk of its own")
    (tmp_path / "data").mkdir()
    made = Disk(tmp_path / "data")
    tried = subprocess.run([*made.before(1), "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        pytest.skip(f"this system gives no disk of its own to the server: {tried.stderr.strip()}")
    return made
