"""Checks of this machine: Python and packages, the data folder, disk, memory."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from ihp_backend.doctor.finding import Finding, Level
from ihp_backend.finetuning.missing_packages import unmet, why_no_fine_tuning
from ihp_backend.server.server_settings import ServerSettings

_GIB = 1 << 30
LEAST_DISK, LITTLE_DISK = 1 * _GIB, 5 * _GIB
LEAST_MEMORY, LITTLE_MEMORY = _GIB // 2, 2 * _GIB
_CONTROL_GROUP = Path("/sys/fs/cgroup")


def packages() -> Iterator[Finding]:
    """Packages that serving needs: whether each is there, in a version that works."""
    try:
        needed = [Requirement(text) for text in metadata.requires("ihp-backend") or []]
        version = metadata.version("ihp-backend")
    except metadata.PackageNotFoundError:
        yield Finding("packages", "error", "ihp-backend is not installed", "pip install . in a checkout")
        return
    wrong = [
        f"{one.name} is {found}, {one.specifier} is needed" if found else f"{one.name} is missing"
        for one, found in unmet(one for one in needed if one.marker is None or one.marker.evaluate({"extra": ""}))
    ]
    if wrong:
        yield Finding("packages", "error", "; ".join(wrong), "install the backend again: pip install . in a checkout")
    else:
        yield Finding("packages", "ok", f"ihp-backend {version}, Python {platform.python_version()} on {sys.platform}")


def fine_tuning() -> Iterator[Finding]:
    """Packages that only fine-tuning needs."""
    if lacking := why_no_fine_tuning():
        found, command = lacking
        yield Finding("fine-tuning", "warning", found, f"{command}; or ihp serve --no-fine-tuning where another learns")
    else:
        yield Finding("fine-tuning", "ok", "the packages that it needs are installed")


def data_folder(settings: ServerSettings) -> Iterator[Finding]:
    """Data folder: whether it can be written to, or be made."""
    folder = settings.data_dir
    existing = _existing(folder)
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        remedy = "give it to the user who runs ihp serve (chown), or choose another with IHP_DATA_DIR"
        yield Finding("data folder", "error", f"{existing} cannot be written to", remedy)
    else:
        state = "" if existing == folder else ", made at the first start"
        yield Finding("data folder", "ok", f"{folder}{state}")


def disk(settings: ServerSettings) -> Iterator[Finding]:
    """Disk: whether there is room for events, photographs and model versions."""
    free = shutil.disk_usage(_existing(settings.data_dir)).free
    level = _level(free, LEAST_DISK, LITTLE_DISK)
    remedy = "free some space there, or move the data folder with IHP_DATA_DIR" if level != "ok" else ""
    yield Finding("disk", level, f"{free / _GIB:.1f} GiB free for {settings.data_dir}", remedy)


def memory() -> Iterator[Finding]:
    """Memory: whether there is room for the model and for photographs."""
    free = available_memory()
    if free is not None:
        level = _level(free, LEAST_MEMORY, LITTLE_MEMORY)
        remedy = "stop other programs, or give the machine or container more memory" if level != "ok" else ""
        yield Finding("memory", level, f"{free / _GIB:.1f} GiB free", remedy)


def available_memory(information: Path = Path("/proc/meminfo"), group: Path = _CONTROL_GROUP) -> int | None:
    """Bytes of memory that this process could still take, within its container's limit; None where nothing tells."""
    free = []
    try:
        for line in information.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                free.append(int(line.split()[1]) * 1024)
        limit = (group / "memory.max").read_text().strip()
        if limit != "max":
            free.append(int(limit) - int((group / "memory.current").read_text()))
    except (OSError, ValueError, IndexError):
        pass  # Not Linux, or no container.
    return min(free) if free else None


def _existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.exists())


def _level(free: int, least: int, little: int) -> Level:
    return "error" if free < least else "warning" if free < little else "ok"
