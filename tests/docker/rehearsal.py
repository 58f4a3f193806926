"""Carries out what the Dockerfile says in a folder of this machine, where there is no Docker.

The folder stands for the root of the image's file system. Packages are installed by the very commands, from a clean
copy of the tree; what would change the machine (making a user) is left out.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from .images import ROOT, Beginning, beginning, lineage

_OURS = re.compile(r"(?<![\w.])/(?=(?:opt|data|source)\b)")
"""Where a path of ours begins: the folders that the Dockerfile makes."""

Who = dict[str, Any]
"""A user, as ``subprocess`` takes it; empty: whoever runs the tests."""


def python_and_user(number: int) -> tuple[Path, Who]:
    """A Python without a developer's packages, and the user of that number if this one may become it.

    The user of the tests itself is taken if nobody else can run any Python here.
    """
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    ours = Path(sys.base_prefix, "bin", version).resolve()
    if os.getuid() == 0:
        who: Who = {"user": number, "group": number, "extra_groups": []}
        for python in (ours, Path("/usr/bin", version)):
            command = [str(python), "-c", "import ensurepip, venv"]
            with suppress(OSError, subprocess.CalledProcessError):
                subprocess.run(command, cwd="/", check=True, stderr=subprocess.DEVNULL, **who)
                return python, who
    return ours, {}


class Rehearsal:
    """An image, built in a folder.

    Args:
        folder: empty; every user must be able to read it.
        image: the stage's name.
        python: what the images have as python.
    """

    def __init__(self, folder: Path, image: str, python: Path) -> None:
        self.folder, self.image = folder, image
        self._context = folder / "context"
        self._here = folder
        programs = folder / "programs"
        programs.mkdir()
        (programs / "python").symlink_to(python)
        self._path = f"{programs}:/usr/bin:/bin"

    def build(self) -> None:
        """Carries out the stages that the image takes its packages from, and its own."""
        self._copy_tree()
        (self.folder / "data").mkdir()
        for stage in lineage(self.image):
            for instruction, value in stage.steps:
                if instruction == "COPY" and value.startswith("--from="):
                    # All stages lie in one folder here, so what the other one made is in its place.
                    self._install(re.findall(r"--from=(\S+)", value)[0])
                elif instruction == "COPY":
                    self._copy(value)

    def beginning(self) -> Beginning:
        """How a container begins, with the folder's paths."""
        begins = beginning(self.image, self._path)
        environment = {name: self._inside(value) for name, value in begins.environment.items()}
        command, health = ([self._inside(word) for word in words] for words in (begins.command, begins.health))
        return Beginning(environment, begins.user, self._inside(begins.volume), command, health)

    def _install(self, stage: str) -> None:
        environment = {**os.environ, "PATH": self._path}
        for name in ("PYTHONPATH", "VIRTUAL_ENV"):
            environment.pop(name, None)
        self._here = self.folder
        for part in lineage(stage):
            for instruction, value in part.steps:
                if instruction == "WORKDIR":
                    self._here = Path(self._inside(value))
                    self._here.mkdir(exist_ok=True)
                elif instruction == "COPY":
                    self._copy(value)
                elif instruction == "ENV":
                    (path,) = re.findall(r"^PATH=(\S+):\$PATH$", value)
                    environment["PATH"] = f"{self._inside(path)}:{environment['PATH']}"
                elif instruction == "RUN":
                    command = ["sh", "-ec", self._inside(value)]
                    done = subprocess.run(
                        command, cwd=self._here, env=environment, capture_output=True, text=True, check=False
                    )
                    assert done.returncode == 0, f"{value}: {done.stdout[-2000:]}{done.stderr[-2000:]}"

    def _copy_tree(self) -> None:
        """What git knows, as it is at present, as far as .dockerignore lets it through."""
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        kept = re.findall(r"^!(\S+)", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
        for name in listed.split("\0"):
            if any(name == one or name.startswith(f"{one}/") for one in kept) and (ROOT / name).is_file():
                target = self._context / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / name, target)

    def _copy(self, value: str) -> None:
        *sources, target = value.split()
        for source in sources:
            path, place = self._context / source, self._here / self._inside(target)
            if path.is_dir():
                shutil.copytree(path, place)
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, place / path.name if place.is_dir() else place)

    def _inside(self, text: str) -> str:
        return _OURS.sub(f"{self.folder}/", text)
