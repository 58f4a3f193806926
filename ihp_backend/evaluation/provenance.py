"""Provenance of a figure: command, commit, machine and the versions of the packages that computed it."""

from __future__ import annotations

import platform
import shlex
import subprocess
import sys
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ihp_backend.parsing.cores import available_cores

PACKAGES = ("numpy", "opencv-python-headless", "connected-components-3d", "onnxruntime", "torch")

SOURCE = (":(top)*.py", ":(top)*.yaml", ":(top)*.toml")
"""What figures are made by, as git selects files from the top of the repository."""


def provenance(module: str) -> dict[str, object]:
    """Provenance to write beside a figure, ready for JSON.

    Args:
        module: the script as ``python -m`` knows it.
    """
    return {
        "command": shlex.join(["python", "-m", module, *sys.argv[1:]]),
        "commit": commit(),
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": machine(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def commit(folder: Path = Path(__file__).parent) -> str:
    """The commit of the source in ``folder``'s repository; "" outside of one.

    A "+" follows where tracked code or configuration differs from it. Figures may: a run that adds to those that are
    kept would call itself changed.
    """
    try:
        head = subprocess.run(
            ["git", "-C", str(folder), "rev-parse", "HEAD"], capture_output=True, text=True, check=True
        ).stdout.strip()
        changed = subprocess.run(
            ["git", "-C", str(folder), "status", "--porcelain", "--untracked-files=no", "--", *SOURCE],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return ""
    return head + ("+" if changed.strip() else "")


def machine() -> str:
    """Processor and usable cores; never the machine's name."""
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass  # Not on Linux, or a processor that has no name there.
    return f"{model}, {available_cores()} cores"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
