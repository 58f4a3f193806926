"""The Dockerfile keeps the rules of a linter, and those that no linter knows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from .images import DOCKERFILE, ROOT, beginning, stages

HADOLINT = str(Path(sys.executable).parent / "hadolint")
IMAGES = ("serving", "training")


def lint(dockerfile: str) -> str:
    """What hadolint has to say."""
    command = [HADOLINT, "--no-color", "--failure-threshold=style", "-"]
    done = subprocess.run(command, input=dockerfile, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode in (0, 1), done.stderr
    assert bool(done.returncode) == bool(done.stdout)
    return done.stdout


def test_the_linter_finds_nothing() -> None:
    assert lint(DOCKERFILE.read_text()) == ""


@pytest.mark.parametrize(
    ("before", "after", "rule"),
    [
        ("python:3.11-slim-bookworm AS base", "python AS base", "DL3006"),
        ("USER 10001:10001", "USER root", "DL3002"),
        ('ENTRYPOINT ["ihp"]', "ENTRYPOINT ihp", "DL3025"),
        ("pip install --no-cache-dir '/source[p", "pip install '/source[p", "DL3042"),
    ],
)
def test_the_linter_looks_at_what_matters(before: str, after: str, rule: str) -> None:
    text = DOCKERFILE.read_text()
    assert before in text
    assert rule in lint(text.replace(before, after))


@pytest.mark.parametrize("image", IMAGES)
def test_nobody_is_root_and_data_lie_in_the_volume(image: str) -> None:
    begins = beginning(image)
    user, group = begins.user.split(":")
    assert min(int(user), int(group)) >= 10000, "a name, or the number of a user of the machine"
    assert begins.environment["IHP_DATA_DIR"] == begins.volume
    assert begins.health == ["python", "/opt/healthy.py"]


def test_both_images_are_of_one_python() -> None:
    outside = {stage.parent for stage in stages().values()} - stages().keys()
    assert outside == {"python:3.11-slim-bookworm"}, "an environment moves to another image only with the same Python"


def test_only_what_is_copied_reaches_the_builder() -> None:
    copied = {"docker/healthy.py"}
    for stage in stages().values():
        for instruction, value in stage.steps:
            if instruction == "COPY" and not value.startswith("--from="):
                copied |= set(value.split()[:-1])
    kept = (ROOT / ".dockerignore").read_text().splitlines()
    assert kept[kept.index("*") + 1 :] == [*(line for line in kept if line.startswith("!")), "**/__pycache__"]
    assert {line[1:] for line in kept if line.startswith("!")} == copied


def test_the_commands_in_the_docs_name_what_is_there() -> None:
    text = (ROOT / "docs" / "docker.md").read_text()
    files, targets = set(re.findall(r" -f (\S+)", text)), set(re.findall(r"--target (\w+)", text))
    assert files == {"docker/Dockerfile", "docker/compose.yaml", "docker/compose.gpu.yaml"}
    assert all((ROOT / file).is_file() for file in files)
    assert targets == set(IMAGES) < stages().keys()
