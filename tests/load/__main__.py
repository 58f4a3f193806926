"""Annotators at a real server: ``python -m tests.load [--annotators N ...]``.

Prints for each number of annotators how long answers take, what failed, and what memory and processor time they cost,
and writes it as JSON. The server, the photographs and the annotators are all on this machine.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from tests.load.annotator import Annotator, Answered, Photograph

EXAMPLES = Path(__file__).parents[2] / "examples" / "photographs"
TICK = os.sysconf("SC_CLK_TCK")


class _Quiet(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Nothing: thousands of photographs are fetched."""


@contextmanager
def photograph_server(folder: Path) -> Iterator[str]:
    """Address of a server of the files in a folder."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


class Photographs:
    """The photographs of a folder in turn; the address of each task is another one, so that each is opened.

    Raises:
        ValueError: there is none.
    """

    def __init__(self, folder: Path, address: str) -> None:
        files = sorted(file for file in folder.iterdir() if file.suffix.lower() in (".jpg", ".jpeg", ".png"))
        if not files:
            raise ValueError(f"--photographs: {folder} has no .jpg or .png")
        self._sizes = [(file.name, *Image.open(file).size) for file in files]
        self._address = address

    def __call__(self, task: int) -> Photograph:
        name, width, height = self._sizes[task % 100_000 % len(self._sizes)]
        return Photograph(f"{self._address}/{name}?task={task}", height, width)


class Server:
    """``ihp serve`` in a process of its own, on a free port, with a new data folder."""

    def __init__(self, folder: Path, options: Sequence[str]) -> None:
        command = [sys.executable, "-m", "ihp_backend.cli", "serve", "--port", "0", "--data-dir", str(folder / "data")]
        self._log = folder / "log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [*command, *options], stdout=log, stderr=log, env=self._environment(folder)
            )
        self.address = self._listening()

    @staticmethod
    def _environment(folder: Path) -> dict[str, str]:
        return {**os.environ, "HOME": str(folder), "IHP_ALLOW_PRIVATE_ADDRESSES": "1"}

    def _listening(self) -> str:
        for _ in range(600):
            if found := re.search(r"listening on (http://\S+),", self._log.read_text()):
                return found[1]
            if self._process.poll() is not None:
                break
            time.sleep(0.1)
        self.stop()
        raise RuntimeError(f"the server does not listen:\n{self._log.read_text()}")

    def stop(self) -> None:
        """Ends it as a service manager does."""
        self._process.terminate()
        self._process.wait(60)

    @property
    def _processes(self) -> list[int]:
        """gunicorn's, those that answer, and the worker of fine-tuning."""
        tasks = Path(f"/proc/{self._process.pid}/task").glob("*/children")
        return [self._process.pid, *(int(child) for task in tasks for child in task.read_text().split())]

    def megabytes(self) -> list[float]:
        """Memory of its processes at present, what they share in equal parts; the one that answers has most."""
        shares = (Path(f"/proc/{one}/smaps_rollup").read_text() for one in self._processes)
        return [int(re.findall(r"^Pss: +(\d+) kB", share, re.MULTILINE)[0]) * 1024 / 1e6 for share in shares]

    def processor_seconds(self) -> float:
        """That they used so far."""
        fields = [Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split() for one in self._processes]
        return sum(int(user) + int(system) for user, system in (row[11:13] for row in fields)) / TICK


def load(
    annotators: int, seconds: float, think: float, clicks: int, folder: Path, options: Sequence[str]
) -> dict[str, Any]:
    """Figures of so many annotators at a new server."""
    with tempfile.TemporaryDirectory() as place, photograph_server(folder) as address:
        photographs = Photographs(folder, address)
        server = Server(Path(place), options)
        try:
            before, began = server.processor_seconds(), time.monotonic()
            ends = began + seconds
            with ThreadPoolExecutor(annotators) as pool:
                workers = [Annotator(server.address, one, photographs, think, clicks) for one in range(annotators)]
                working = [pool.submit(one.work, began, ends) for one in workers]
                memory = []
                while time.monotonic() < ends:
                    time.sleep(min(1.0, max(ends - time.monotonic(), 0)))
                    memory.append(server.megabytes())
                answered = [one for worker in working for one in worker.result()]
            took = time.monotonic() - began
            return figures(annotators, answered, took, memory, server.processor_seconds() - before)
        finally:
            server.stop()


def figures(
    annotators: int, answered: Sequence[Answered], took: float, memory: Sequence[Sequence[float]], processor: float
) -> dict[str, Any]:
    """What is to be told of a load."""

    def quantiles(some: Sequence[Answered]) -> dict[str, float]:
        values = [one.seconds * 1e3 for one in some] or [float("nan")]
        return {"count": len(some), **{f"p{q}": round(float(np.percentile(values, q)), 1) for q in (50, 95, 99, 100)}}

    problems: dict[str, int] = {}
    for one in answered:
        if one.problem:
            problems[one.problem] = problems.get(one.problem, 0) + 1
    answering, quarter = [max(one) for one in memory], max(len(memory) // 4, 1)
    return {
        "annotators": annotators,
        "seconds": round(took, 1),
        "clicks_per_second": round(len(answered) / took, 2),
        "all_ms": quantiles(answered),
        "first_ms": quantiles([one for one in answered if one.first]),
        "later_ms": quantiles([one for one in answered if not one.first]),
        "p95_ms_by_minute": [
            quantiles([one for one in answered if one.at // 60 == minute])["p95"]
            for minute in range(int(max((one.at for one in answered), default=0) // 60) + 1)
        ],
        "refused": sum(one.refused for one in answered),
        "problems": problems,
        "processor_ms_per_click": round(processor / max(len(answered), 1) * 1e3, 1),
        "megabytes": {
            "most": round(max(answering)),
            "second_quarter": round(float(np.mean(answering[quarter : 2 * quarter] or answering))),
            "last_quarter": round(float(np.mean(answering[-quarter:]))),
            "all_processes": round(max(map(sum, memory))),
            "by_minute": [round(float(np.mean(answering[at : at + 60]))) for at in range(0, len(answering), 60)],
        },
    }


def main() -> None:
    """Loads a server with one number of annotators after the other."""
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--annotators", type=int, nargs="+", default=[1, 10, 50, 100])
    parser.add_argument("--seconds", type=float, default=60, help="of each load")
    parser.add_argument("--think", type=float, default=2, help="seconds between an answer and the next click")
    parser.add_argument("--clicks", type=int, default=15, help="in a task on average")
    parser.add_argument("--photographs", type=Path, default=EXAMPLES, help="folder of photographs")
    parser.add_argument("--out", type=Path, help="JSON file for the figures")
    parser.add_argument("options", nargs="*", help="of ihp serve, after --")
    given = parser.parse_args()
    console = Console()
    table = Table(
        "annotators", "clicks/s", "first p50, p95 ms", "later p50, p95, p99 ms", "503", "failed", "CPU ms", "MB"
    )
    rows = []
    for annotators in given.annotators:
        console.print(f"{annotators} annotators, {given.seconds:g} s")
        row = load(annotators, given.seconds, given.think, given.clicks, given.photographs, given.options)
        rows.append(row)
        first, later, problems = row["first_ms"], row["later_ms"], sum(row["problems"].values())
        table.add_row(
            str(annotators), f"{row['clicks_per_second']:.1f}", f"{first['p50']:.0f}, {first['p95']:.0f}",
            f"{later['p50']:.0f}, {later['p95']:.0f}, {later['p99']:.0f}", str(row["refused"]), str(problems),
            f"{row['processor_ms_per_click']:.0f}", str(row["megabytes"]["most"]),
        )  # fmt: skip
        if row["problems"]:
            console.print(row["problems"])
    console.print(table)
    if given.out:
        given.out.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
