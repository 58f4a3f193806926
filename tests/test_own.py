"""docs/own.md, followed to the letter: a network, a loss, a data set and a method outside of this project."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.pictures import picture
from training.reproduction.methods import METHODS, read_method

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "own.md").read_text()
CLASSES = ("background", "hat", "coat", "bag")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the page's files and a data set of drawn people."""
    folder = tmp_path_factory.mktemp("own")
    for file, _, text in re.findall(r"`(mine\.\w+)`[^\n]*:\n\n```(\w+)\n(.*?)```", PAGE, re.DOTALL):
        (folder / file).write_text(text)
    data = folder / "shapes"
    for name in ("images", "masks"):
        (data / name).mkdir(parents=True)
    for seed in range(6):
        image, parsing = picture(seed)
        Image.fromarray(image).save(data / "images" / f"{seed}.png")
        Image.fromarray(parsing.astype(np.uint8)).save(data / "masks" / f"{seed}.png")
    (data / "classes.txt").write_text("\n".join(CLASSES))
    (data / "train.txt").write_text("0\n1\n2\n3\n")
    (data / "val.txt").write_text("4\n5\n")
    return folder


def run(folder: Path, command: str) -> str:
    """Its output; the project is installed, so only its own folder is on the path besides."""
    program, *arguments = command.split()
    start = [sys.executable if program == "python" else str(Path(sys.executable).with_name(program))]
    done = subprocess.run(
        [*start, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "2"},
        cwd=folder, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.mark.slow
def test_every_command_of_the_page_works(folder: Path) -> None:
    commands = [line for block in re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
    assert len(commands) == 6
    said = [run(folder, command) for command in commands]
    assert "no faults" in said[0]
    described = json.loads((folder / "runs" / "mine" / "model" / "model.json").read_text())
    assert described["network"]["class"] == "mine.SmallNetwork"
    assert described["network"]["arguments"]["num_labels"] == len(CLASSES)
    assert tuple(described["labels"]["names"]) == CLASSES
    assert (folder / "parsing.png").is_file()
    with (folder / "runs" / "own" / "own.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert [row[0] for row in rows] == [
        "method",
        "a small network",
        METHODS["random"].title,
        METHODS["watershed"].title,
    ]
    # A smoke run goes as far as two corrections.
    assert all(row[1] != "-" != row[2] and row[3] == "-" for row in rows[1:])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("options: {}", "has no title"),
        ("title: mine\nstep: 3", "has step; a method has title, options"),
        ("title: mine\nkind: own", "has kind 'own'; choose one of clicks, live"),
        ("title: mine\nkind: classical", "has kind 'classical'; choose one of clicks, live"),
        ("title: mine\nstart: middle", "has start 'middle'; choose one of central, nothing"),
        ("title: mine\nenforce_clicks: maybe", "has enforce_clicks 'maybe'; choose one of false, true"),
        ("title: mine\ncorrections: '3'", "has corrections '3'; give a whole number"),
        ("title: mine\noptions: [1]", "has options that are no settings"),
        ("title: [", "is no YAML"),
    ],
)
def test_what_is_wrong_with_a_method_is_named(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(text)
    with pytest.raises(ValueError, match=re.escape(said)):
        read_method(file)
    assert "wrong" not in METHODS


def test_a_method_must_not_take_the_name_of_another(tmp_path: Path) -> None:
    file = tmp_path / "random.yaml"
    file.write_text("title: mine")
    with pytest.raises(ValueError, match="named as one of the methods"):
        read_method(file)
    with pytest.raises(ValueError, match=r"nowhere\.yaml cannot be read"):
        read_method(tmp_path / "nowhere.yaml")
