"""What the README shows works: its Python, its links, its commands' names."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("ihp_backend/models/*/*.md")])


def test_the_python_runs() -> None:
    (program,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("(600, 512) 0.")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_commands_exist() -> None:
    modules = set(re.findall(r"python -m (\S+)", README))
    assert modules == {f"training.{name}" for name in ("prepare", "train", "export", "evaluate", "reproduce")}
    for module in modules:
        assert (ROOT / Path(*module.split("."))).with_suffix(".py").is_file()
    for option in re.findall(r"`(--[a-z-]+)`", README):
        shown = subprocess.run(
            [sys.executable, "-m", "ihp_backend.cli", "serve", "--help"],
            env={"COLUMNS": "200", "PATH": "", "TERM": "dumb"}, cwd=ROOT, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        assert option in shown


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"demo", "demo-reset", "test", "check", "bench", "clean"} <= targets
    assert set(re.findall(r"make ([a-z]+(?:-[a-z]+)*)", README)) <= targets
