"""What docker/Dockerfile says: its stages, and what a container of each begins with."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Template

from dockerfile_parse import DockerfileParser

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "docker" / "Dockerfile"


@dataclass(frozen=True)
class Stage:
    """One FROM, the name of what it begins with, and the instructions after it as (name, value)."""

    parent: str
    steps: list[tuple[str, str]]


@dataclass(frozen=True)
class Beginning:
    """How a container of an image starts."""

    environment: dict[str, str]
    user: str
    volume: str
    command: list[str]
    health: list[str]


def stages() -> dict[str, Stage]:
    """The stages by their names, in the order of the file."""
    found: dict[str, Stage] = {}
    steps: list[tuple[str, str]] = []
    for step in DockerfileParser(fileobj=io.BytesIO(DOCKERFILE.read_bytes())).structure:
        if step["instruction"] == "FROM":
            parent, name = re.fullmatch(r"(\S+) AS (\S+)", step["value"]).groups()  # type: ignore[union-attr]
            steps = []
            found[name] = Stage(parent, steps)
        elif step["instruction"] != "COMMENT":
            steps.append((step["instruction"], step["value"]))
    return found


def lineage(name: str) -> Iterator[Stage]:
    """A stage and all that it is built on, the first one first."""
    stage = stages()[name]
    if stage.parent in stages():
        yield from lineage(stage.parent)
    yield stage


def beginning(name: str, path: str = "") -> Beginning:
    """How a container of the stage's image starts; ``path`` is the PATH of the image that it is built on."""
    said, environment = dict[str, str](), {"PATH": path}
    for stage in lineage(name):
        for instruction, value in stage.steps:
            if instruction == "ENV":
                for variable, text in re.findall(r"(\w+)=(\S+)", value):
                    environment[variable] = Template(text).safe_substitute(environment)
            said[instruction] = value
    health = said["HEALTHCHECK"].partition("CMD ")[2]
    return Beginning(
        environment,
        user=said["USER"],
        volume=said["VOLUME"],
        command=[*json.loads(said["ENTRYPOINT"]), *json.loads(said["CMD"])],
        health=json.loads(health),
    )
