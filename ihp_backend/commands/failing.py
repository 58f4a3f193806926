"""How a command says that it failed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer


def failure(text: str) -> typer.Exit:
    """Says why, for ``raise failure(...) from None``."""
    typer.echo(f"ihp: {text}", err=True)
    return typer.Exit(1)


@contextmanager
def told(*errors: type[Exception]) -> Iterator[None]:
    """Ends the command with the text of such an error."""
    try:
        yield
    except errors as error:
        raise failure(str(error)) from None
