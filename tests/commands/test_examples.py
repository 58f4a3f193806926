"""Every command's help ends with an example that the command takes."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from ihp_backend.cli import EXAMPLES, app

COMMAND = typer.main.get_command(app)


def commands(group: Any, *path: str) -> dict[str, Any]:
    """All commands by their names, those of groups with the group's before them."""
    if not hasattr(group, "commands"):
        return {" ".join(path): group}
    return {
        name: command for one, child in group.commands.items() for name, command in commands(child, *path, one).items()
    }


def test_every_command_has_one() -> None:
    assert set(EXAMPLES) == set(commands(COMMAND))


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_the_command_takes_it(name: str) -> None:
    words = [word for word in shlex.split(EXAMPLES[name].partition(" > ")[0]) if "=" not in word.partition(" ")[0]]
    if name == "labels":
        words = shlex.split(EXAMPLES[name])
    assert words[: 1 + len(name.split())] == ["ihp", *name.split()]
    command = commands(COMMAND)[name]
    # Raises a UsageError for options and arguments that the command does not have.
    command.make_context(name, words[1 + len(name.split()) :])
    shown = CliRunner().invoke(app, [*name.split(), "--help"], env={"COLUMNS": "200"}).output
    assert f"Example: {EXAMPLES[name]}" in shown
