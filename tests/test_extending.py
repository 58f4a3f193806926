"""The recipes of docs/extending.md work: followed to the letter in a copy of the sources, their tests pass."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
COPIED = ("ihp_backend", "tests", "training", "docs")
OTHERS = ("tests/test_registries.py", "tests/losses/test_every_loss.py", "tests/label_studio/test_tag_table.py")
"""Tests that ask something of whatever is added."""
LINKED = ("models", "captures", "benchmarks")
"""Folders of data, which no recipe changes."""

STEP = re.compile(r"^(?:New|Test, new|In) ?(?:file)? `([^`]+)`[^\n]*:\n\n```(\w+)\n(.*?)```$", re.MULTILINE | re.DOTALL)
GAP = "...\n"


@dataclass(frozen=True)
class Step:
    """A step of a recipe: a new file, or changes of one."""

    file: str
    language: str
    code: str

    def take(self, root: Path) -> None:
        """Does what the page says."""
        path = root / self.file
        if self.language != "diff":
            assert not path.exists(), f"{self.file} is there already"
            path.write_text(self.code)
            return
        text = path.read_text()
        for change in self.code.split(GAP):
            lines = change.splitlines(keepends=True)
            before = "".join(line[1:] for line in lines if line[0] in " -")
            after = "".join(line[1:] for line in lines if line[0] in " +")
            assert text.count(f"\n{before}") == 1, f"{self.file}: {before}"
            text = text.replace(f"\n{before}", f"\n{after}")
        path.write_text(text)


def steps_of(recipe: str) -> list[Step]:
    """The steps of a recipe, in their order."""
    return [Step(*found) for found in STEP.findall(recipe)]


RECIPES = {
    recipe.partition("\n")[0]: steps_of(recipe)
    for recipe in re.split(r"^## ", (ROOT / "docs" / "extending.md").read_text(), flags=re.MULTILINE)[1:]
}


def test_every_block_of_code_is_a_step() -> None:
    page = (ROOT / "docs" / "extending.md").read_text()
    assert sum(map(len, RECIPES.values())) == len(re.findall(r"^```(?!bash)\w+$", page, re.MULTILINE))


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources in which all recipes were followed."""
    root = tmp_path_factory.mktemp("extended")

    def copied(source: str, names: list[str]) -> set[str]:
        here = root / Path(source).relative_to(ROOT)
        linked = {name for name in names if name in LINKED and (Path(source) / name).is_dir()}
        here.mkdir(parents=True, exist_ok=True)
        for name in linked:
            (here / name).symlink_to(Path(source) / name)
        return linked | {"__pycache__"}

    for folder in COPIED:
        shutil.copytree(ROOT / folder, root / folder, ignore=copied, dirs_exist_ok=True)
    for file in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / file, root / file)
    for steps in RECIPES.values():
        for step in steps:
            step.take(root)
    return root


def python(root: Path, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        env={**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"},
        cwd=root, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_the_tests_of_the_recipes_pass(extended: Path) -> None:
    written = [step.file for steps in RECIPES.values() for step in steps if Path(step.file).name.startswith("test_")]
    assert len(written) == len(RECIPES)
    python(extended, "pytest", "-q", "-p", "no:cacheprovider", *written, *OTHERS)


def test_the_code_is_in_the_style_of_the_house(extended: Path) -> None:
    touched = sorted({step.file for steps in RECIPES.values() for step in steps if step.file.endswith(".py")})
    python(extended, "ruff", "check", "--no-cache", *touched)
    python(extended, "ruff", "format", "--no-cache", "--check", *touched)
