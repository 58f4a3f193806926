"""`ihp backup` and `ihp restore`: one archive of all that cannot be made again, and the way back."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated

import typer

from ihp_backend.commands.shared import INTERRUPTED, DataDir, counted, failure, open_workspace


def backup(
    file: Annotated[Path, typer.Argument(help="The archive to write (tar); it must not be there yet.")],
    data_dir: DataDir = None,
) -> None:
    """Save events, accepted work, photographs, clicks, jobs and model versions, while servers run.

    Credentials and other secrets are not in it. It has photographs of people: keep it as closed as the data folder.
    """
    from ihp_backend.backup.saving import save
    from ihp_backend.storage.storage_error import StorageError

    _end_as_interrupted()
    workspace, _ = open_workspace(data_dir, existing=True)
    try:
        saved = save(workspace, file.absolute(), counted)
    except StorageError as error:
        raise failure(str(error)) from None
    except KeyboardInterrupt:
        typer.echo("ihp: interrupted; nothing was written", err=True)
        raise typer.Exit(INTERRUPTED) from None
    typer.echo(f"{file}: {', '.join(f'{number} {what}' for what, number in saved.items())}")
    typer.echo("not in it: credentials and other secrets; keep them elsewhere")


def restore(
    file: Annotated[Path, typer.Argument(help="An archive of ihp backup.")],
    data_dir: DataDir = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Let all that is there be replaced; else it must be empty.")
    ] = False,
) -> None:
    """Make an installation what a backup says; stop its servers and workers first.

    Each byte of the archive is looked at before anything is changed. A backup from SQLite goes into PostgreSQL, too
    (IHP_DATABASE), and the other way round.
    """
    from ihp_backend.backup.restoring import restore as make
    from ihp_backend.storage.storage_error import StorageError

    _end_as_interrupted()
    workspace, _ = open_workspace(data_dir, restoring=True)
    try:
        make(workspace, file.absolute(), counted, replace=replace)
    except (StorageError, ValueError) as error:
        raise failure(str(error)) from None
    except KeyboardInterrupt:
        typer.echo("ihp: interrupted; give the command again", err=True)
        raise typer.Exit(INTERRUPTED) from None
    typer.echo(f"{file}: restored; next:")
    typer.echo("  ihp sync PROJECT   (for each project: what happened since the backup)")
    typer.echo("  ihp credentials    (if the credentials file is lost, too)")


def _end_as_interrupted() -> None:
    """Has the system's request to end leave nothing behind, as Ctrl-C does not."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
