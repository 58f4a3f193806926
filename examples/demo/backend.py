"""The backend, started next to Label Studio."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from examples.demo.processes import LOOPBACK, Server


def server(
    program: Path, folder: Path, port: int, label_studio_url: str, token: str, options: Sequence[str] = ()
) -> Server:
    """`ihp serve` on loopback, by default with the packaged model; data, log and process record in ``folder``.

    Args:
        program: the `ihp` command of the virtual environment.
        folder: where the backend keeps sessions, accepted annotations and versions (in a folder of its own).
        label_studio_url, token: where photographs are fetched from, should /setup not have said so yet.
        options: further ones of `ihp serve`.
    """
    exceptions = os.environ.get("NO_PROXY") or os.environ.get("no_proxy")
    unproxied = ",".join(filter(None, [exceptions, "localhost", LOOPBACK]))
    return Server(
        name="the backend",
        command=[
            str(program),
            "serve",
            "--host",
            LOOPBACK,
            "--port",
            str(port),
            "--data-dir",
            str(folder / "backend"),
            # Label Studio is on this machine, and loopback is an address the backend does not fetch from otherwise.
            "--allow-private-addresses",
            *options,
        ],
        environment={
            **os.environ,
            "LABEL_STUDIO_URL": label_studio_url,
            "LABEL_STUDIO_API_KEY": token,
            "NO_PROXY": unproxied,
            "no_proxy": unproxied,
        },
        health_url=f"http://{LOOPBACK}:{port}/health",
        log=folder / "backend.log",
        record=folder / "backend.process.json",
    )
