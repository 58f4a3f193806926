"""The configurations that come with this package, for whoever has no checkout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

FOLDER = Path(__file__).with_name("configs")


def config_file(given: str | Path) -> Path:
    """A configuration; a name alone, or one below ``training/configs``, may be that of this package.

    Examples:
        >>> config_file("ccp_paper.yaml") == FOLDER / "ccp_paper.yaml"
        True
        >>> config_file("mine/ccp_paper.yaml")  # Another one, whether it is there or not.
        PosixPath('mine/ccp_paper.yaml')
    """
    path = Path(given)
    own = FOLDER / path.name
    meant = path.parent in (Path(), Path("training/configs")) and not path.exists() and own.is_file()
    return own if meant else path


def with_config_files(arguments: Sequence[str]) -> Iterator[str]:
    """A command line with ``config_file`` of whatever follows ``--config`` or ``-c``."""
    before = ""
    for argument in arguments:
        if before in ("--config", "-c"):
            yield str(config_file(argument))
        elif argument.startswith("--config="):
            yield f"--config={config_file(argument.removeprefix('--config='))}"
        else:
            yield argument
        before = argument
