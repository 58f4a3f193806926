"""A room of the house imports only rooms above it (docs/architecture.md)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "ihp_backend"
ROOMS = [
    "labels", "clicks", "networks", "losses", "datasets", "parsing", "exporting", "evaluation", "learning",
    "retraining", "label_studio", "lessons", "server", "doctor", "commands", "cli",
]  # fmt: skip
FILES = sorted(PACKAGE.rglob("*.py"))


def room_of(file: Path) -> str:
    """The room a file of the package belongs to."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(file: Path) -> Iterator[str]:
    """The rooms that ``file`` imports, wherever in the file it does so."""
    for node in ast.walk(ast.parse(file.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are written out in full"
            names = [node.module or ""]
            if node.module == "ihp_backend":
                names = [f"ihp_backend.{alias.name}" for alias in node.names]
        for name in names:
            if name.startswith("ihp_backend."):
                yield name.split(".")[1]


def test_every_file_lives_in_a_room() -> None:
    assert {room_of(file) for file in FILES} - {"__init__"} == set(ROOMS)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_only_rooms_above(file: Path) -> None:
    room = room_of(file)
    allowed = ROOMS[: ROOMS.index(room) + 1] if room in ROOMS else []
    for imported in imported_rooms(file):
        if imported in ("__version__",):
            continue
        assert imported in allowed, f"{file.name} in {room} imports {imported}, which is not above it"


@pytest.mark.parametrize("room", [room for room in ROOMS if room != "cli"])
def test_every_room_says_what_it_is_for(room: str) -> None:
    assert ast.get_docstring(ast.parse((PACKAGE / room / "__init__.py").read_text()))
