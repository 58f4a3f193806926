"""How a command says that it failed."""

from __future__ import annotations

import typer


def failure(text: str) -> typer.Exit:
    """Says why, for ``raise failure(...) from None``."""
    typer.echo(f"ihp: {text}", err=True)
    return typer.Exit(1)
