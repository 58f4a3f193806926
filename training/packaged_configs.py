"""The configurations that come with this package, for whoever has no checkout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

FOLDER = Path(__file__).with_name("configs")


def config_file(given: str | Path) -> Path:
    """A configuration; where there is no such file, the one of this package with that name.

    Examples:
        >>> config_file("nowhere/ccp_paper.yaml") == FOLDER / "ccp_paper.yaml"
        True
    """
    path = Path(given)
    own = FOLDER / path.name
    return own if not path.exists() and own.is_file() else path


def with_config_files(arguments: Sequence[str]) -> Iterator[str]:
    """A command line with ``config_file`` of whatever follows ``--config``."""
    before = ""
    for argument in arguments:
        if before == "--config":
            yield str(config_file(argument))
        elif argument.startswith("--config="):
            yield f"--config={config_file(argument.removeprefix('--config='))}"
        else:
            yield argument
        before = argument
