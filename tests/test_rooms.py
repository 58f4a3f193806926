"""A room of the house imports only rooms above it (docs/architecture.md)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "ihp_backend"
ROOMS = [
    "single_flight", "log_context", "storage", "labels", "clicks", "networks", "losses", "datasets", "parsing",
    "exporting", "evaluation", "learning", "model_registry", "annotation_store",
    "label_studio.problems", "label_studio.loose_json",
    "label_studio.web", "label_studio.api", "label_studio.config", "label_studio.masks", "label_studio.clicks",
    "label_studio.whole_numbers", "label_studio.batch_limits", "label_studio.scene_limits",
    "label_studio.backend_settings", "label_studio.annotations", "label_studio.predict", "label_studio",
    "batch_parsing", "finetuning", "backup", "server", "doctor", "commands", "cli",
]  # fmt: skip
FILES = sorted(PACKAGE.rglob("*.py"))


def room_of(module: str) -> str:
    """The room that a module of the package is in or belongs to: the innermost one."""
    within = [room for room in ROOMS if f"{module}.".startswith(f"ihp_backend.{room}.")]
    return max(within, key=len, default=module)


def name_of(file: Path) -> str:
    """The module that a file is."""
    return ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def imported_rooms(file: Path) -> Iterator[str]:
    """The rooms that ``file`` imports, wherever in the file it does so."""
    for node in ast.walk(ast.parse(file.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are written out in full"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            if name.startswith("ihp_backend."):
                yield room_of(name)


def test_every_file_lives_in_a_room() -> None:
    assert {room_of(name_of(file)) for file in FILES} - {"ihp_backend"} == set(ROOMS)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_only_rooms_above(file: Path) -> None:
    room = room_of(name_of(file))
    allowed = ROOMS[: ROOMS.index(room) + 1] if room in ROOMS else []
    for imported in imported_rooms(file):
        if imported == "ihp_backend.__version__":
            continue
        assert imported in allowed, f"{file.name} in {room} imports {imported}, which is not above it"


@pytest.mark.parametrize("room", [room for room in ROOMS if (PACKAGE / room.replace(".", "/")).is_dir()])
def test_every_room_says_what_it_is_for(room: str) -> None:
    assert ast.get_docstring(ast.parse((PACKAGE / room.replace(".", "/") / "__init__.py").read_text()))
