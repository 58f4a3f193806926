"""Several machines on this one.

ihp serve and ihp worker run as processes with data folders of their own, which share PostgreSQL and S3, behind nginx
with the configuration of docs/shared-storage.md.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import requests

from examples.demo.processes import free_port

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "shared-storage.md"


class Machines:
    """Machines that share storage.

    Args:
        folder: for their data folders and logs.
        shared: variables that say what they share.
        model: that all serve.
    """

    def __init__(self, folder: Path, shared: Mapping[str, str], model: str = "ccp-live") -> None:
        self._folder, self._model = folder, model
        self._environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), **shared}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.ports: dict[str, int] = {}

    def data_dir(self, name: str) -> Path:
        """A machine's data folder."""
        return self._folder / name

    def log(self, name: str) -> str:
        """What a process has said."""
        return (self._folder / f"{name}.log").read_text()

    def serve(self, name: str) -> None:
        """Starts a machine that serves, on the port that it had before, and waits until it answers."""
        port = self.ports.setdefault(name, free_port())
        self._start(name, "serve", "--port", str(port), "--no-fine-tuning", "--model", self._model)
        self._wait(name, port)

    def work(self, name: str, *options: str) -> None:
        """Starts a machine that learns."""
        self._start(name, "worker", "--model", self._model, *options)

    def nginx(self) -> str:
        """Starts nginx before the machines that serve; gives its address."""
        port = free_port()
        (text,) = re.findall(r"```nginx\n(.*?)```", PAGE.read_text(), re.DOTALL)
        servers = iter(self.ports.values())
        text = re.sub(r"server 10\.0\.0\.\d+:9090", lambda _: f"server 127.0.0.1:{next(servers)}", text)
        text = text.replace("listen 9090;", f"listen 127.0.0.1:{port};")
        folder = self._folder / "nginx"
        folder.mkdir()
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        paths = "\n".join(f"{kind}_temp_path {folder / kind};" for kind in kinds)
        user = "user root;" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(
            f"{user} daemon off; pid {folder}/pid; error_log {folder}/errors;\nevents {{}}\n"
            f"http {{ access_log {folder}/access;\n{paths}\n{text} }}\n"
        )
        command = [str(shutil.which("nginx")), "-e", f"{folder}/errors", "-c", f"{folder}/nginx.conf"]
        with (self._folder / "nginx.log").open("wb") as log:
            self.processes["nginx"] = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=os.setpgrp)
        self._wait("nginx", port)
        return f"http://127.0.0.1:{port}"

    def kill(self, name: str) -> None:
        """As if the machine were switched off: nothing of it can say a word."""
        process = self.processes.pop(name)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def _start(self, name: str, *arguments: str) -> None:
        command = [sys.executable, "-m", "ihp_backend.cli", *arguments, "--data-dir", str(self.data_dir(name))]
        with (self._folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                # No session of its own: ihp worker would give its whole session the least of a busy machine's time.
                command,
                cwd=self._folder,
                env=self._environment,
                stdout=log,
                stderr=log,
                preexec_fn=os.setpgrp,
            )

    def _wait(self, name: str, port: int) -> None:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            with suppress(requests.RequestException):
                if requests.get(f"http://127.0.0.1:{port}/health", timeout=5).ok:
                    return
            if self.processes[name].poll() is not None:
                break
            time.sleep(0.1)
        raise AssertionError(self.log(name))


@contextmanager
def machines(folder: Path, shared: Mapping[str, str], model: str = "ccp-live") -> Iterator[Machines]:
    """Machines for the time of the block."""
    made = Machines(folder, shared, model)
    try:
        yield made
    finally:
        for name in list(made.processes):
            made.kill(name)
