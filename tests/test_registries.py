"""Whatever is found by a name is in its one list, and the pages that list it list all of it."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer.main
from flask import Blueprint
from torch import nn

import ihp_backend.datasets
import ihp_backend.losses
import ihp_backend.networks
import ihp_backend.server
from ihp_backend.cli import app as commands
from ihp_backend.datasets import DATASETS, open_dataset, options_of
from ihp_backend.labels import BENCHMARKS, LabelSet, benchmarks
from ihp_backend.networks import CLICK_NETWORKS, ClickNetwork, LiveNetwork, PartNetwork
from ihp_backend.server.app import create_app
from ihp_backend.server.server_settings import ServerSettings
from tests.losses.test_every_loss import LOSSES
from tests.server.stand_in import StandInParser
from tests.test_rooms import ROOMS

ROOT = Path(__file__).parents[1]
FLAGS = re.MULTILINE | re.DOTALL


def modules_of(package: ModuleType) -> Iterator[ModuleType]:
    """The modules of a package, those of its sub-packages included."""
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(found.name)


def classes_of(package: ModuleType) -> set[type]:
    """The public classes that are written in a package."""
    return {
        kind
        for module in modules_of(package)
        for name, kind in inspect.getmembers(module, inspect.isclass)
        if kind.__module__ == module.__name__ and not name.startswith("_")
    }


def table(page: str, heading: str) -> list[list[str]]:
    """The rows of a page's table whose first column is called ``heading``."""
    text = (ROOT / page).read_text().partition(f"\n| {heading} |")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("| ").split("|")] for line in text.splitlines()[2:]]


def test_every_network_is_known_by_its_name() -> None:
    kinds = {kind for kind in classes_of(ihp_backend.networks) if not inspect.isabstract(kind)}
    of_one_output_per_label = {kind for kind in kinds if issubclass(kind, ClickNetwork)}
    assert set(CLICK_NETWORKS.values()) == of_one_output_per_label
    named = {kind.__name__ for kind in kinds if issubclass(kind, ClickNetwork | PartNetwork | LiveNetwork)}
    assert named <= set(ihp_backend.networks.__all__)


def test_every_loss_is_offered() -> None:
    kinds = {kind for kind in classes_of(ihp_backend.losses) if issubclass(kind, nn.Module)}
    assert {kind.__name__ for kind in kinds} <= set(ihp_backend.losses.__all__)
    assert {type(loss) for loss in LOSSES.values()} <= kinds


def test_every_data_set_is_known_by_a_name() -> None:
    written = {
        kind
        for kind in classes_of(ihp_backend.datasets)
        if kind.__name__.endswith("Dataset") and not getattr(kind, "_is_protocol", False)
    }
    assert {kind for kind in DATASETS.values() if not isinstance(kind, str)} == written


@pytest.mark.parametrize("name", DATASETS)
def test_every_data_set_can_be_opened_by_its_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="root"):
        open_dataset(name, tmp_path / "nowhere", "val")


def test_the_page_on_data_sets_names_all_of_them() -> None:
    rows = table("docs/datasets.md", "name")
    named = {name: row[1] for row in rows for name in re.findall(r"`([a-z0-9-]+)`", row[0])}
    assert set(named) == set(DATASETS)
    for row in rows:
        counts = re.findall(r"\d+", row[1])
        for name, count in zip(re.findall(r"`([a-z0-9-]+)`", row[0]), counts, strict=False):
            if name in BENCHMARKS:
                assert int(count) == len(BENCHMARKS[name]), name


def test_the_page_on_data_sets_names_all_options() -> None:
    page = (ROOT / "docs/datasets.md").read_text()
    options = {option for name in DATASETS for option in options_of(name)}
    assert not {option for option in options if not re.search(rf"`{option}[`=]", page)}


def test_every_label_set_of_the_benchmarks_has_a_name() -> None:
    written = [one for one in vars(benchmarks).values() if isinstance(one, LabelSet)]
    assert {id(one) for one in written} == {id(one) for one in BENCHMARKS.values()}


def test_every_endpoint_is_answered(tmp_path: Path) -> None:
    parser: Any = StandInParser()
    registered = create_app(parser, ServerSettings(data_dir=tmp_path / "data")).blueprints
    written = {
        routes.name: module.__name__
        for module in modules_of(ihp_backend.server)
        if isinstance(routes := getattr(module, "routes", None), Blueprint)
    }
    assert set(registered) == set(written)


def test_the_pages_name_every_command() -> None:
    named = set(typer.main.get_command(commands).commands)  # type: ignore[attr-defined]
    cells = " ".join(row[0] for row in table("README.md", "command"))
    assert set(re.findall(r"`(?:ihp )?([a-z-]+)", cells)) == named
    (listed,) = re.findall(r"cli\.py\s+ihp ((?:[a-z-]+\s*\|\s*)+[a-z-]+)", (ROOT / "docs/architecture.md").read_text())
    assert set(re.split(r"\s*\|\s*", listed)) == named


def test_the_page_names_every_room_in_order() -> None:
    page = (ROOT / "docs/architecture.md").read_text().partition("\nihp_backend/\n")[2].partition("\n  cli.py")[0]
    found = re.findall(r"^( {2,4})(\w+)/ ", page, re.MULTILINE)
    listed: list[str] = []
    parent = ""
    for indent, folder in found:
        parent = folder if len(indent) == 2 else parent
        # The engines are a folder of ``parsing`` and no room of their own.
        if parent != "parsing" or folder == parent:
            listed.append(folder if len(indent) == 2 else f"{parent}.{folder}")
    within, beside = ([room for room in listed if ("." in room) is dotted] for dotted in (True, False))
    assert [room for room in ROOMS if room in within] == within
    assert [room for room in ROOMS if room in beside] == beside
    modules = {room for room in ROOMS if (ROOT / "ihp_backend" / f"{room.replace('.', '/')}.py").exists()}
    assert set(ROOMS) == {*listed, *modules}


def test_the_page_names_every_script() -> None:
    (listed,) = re.findall(r"^training/ .*?(?=\n  reproduction/)", (ROOT / "docs/architecture.md").read_text(), FLAGS)
    scripts = [file for file in (ROOT / "training").glob("*.py") if '__name__ == "__main__"' in file.read_text()]
    assert {file.stem for file in scripts} <= set(re.findall(r"\w+", listed))
