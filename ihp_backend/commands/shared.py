"""Shared by the commands: how they say that they failed, and how a project and its data folder are named and opened."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ihp_backend.finetuning.workspace import Workspace
    from ihp_backend.label_studio.web.image_settings import ImageSettings


def failure(text: str) -> typer.Exit:
    """Says why, for ``raise failure(...) from None``."""
    typer.echo(f"ihp: {text}", err=True)
    return typer.Exit(1)


INTERRUPTED = 130
"""The exit status of a command that was interrupted, as shells have it."""


@contextmanager
def counted(what: str, total: int) -> Iterator[Callable[[], None]]:
    """A bar with numbers, rate and time left; gives what is called after each of ``total``."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    rate, left = TextColumn("{task.fields[rate]}"), TimeRemainingColumn()
    began, done = time.monotonic(), 0
    with Progress(TextColumn(what), BarColumn(), MofNCompleteColumn(), rate, left) as shown:
        bar = shown.add_task("", total=total, rate="")

        def count() -> None:
            nonlocal done
            done += 1
            shown.update(bar, completed=done, rate=f"{done / (time.monotonic() - began):.1f}/s")

        yield count


@contextmanager
def told(*errors: type[Exception]) -> Iterator[None]:
    """Ends the command with the text of such an error."""
    try:
        yield
    except errors as error:
        raise failure(str(error)) from None


Where = Annotated[
    list[str],
    typer.Argument(
        metavar="[URL] PROJECT",
        help="Label Studio's address, by default LABEL_STUDIO_URL, and the project's number in it.",
        show_default=False,
    ),
]


def address_and_number(where: list[str]) -> tuple[str | None, str]:
    """Label Studio's address, if one is given, and the project's number; fails as a command does."""
    *address, number = where
    if len(address) > 1 or not number.isdecimal():
        # The address is not repeated: it may hold a password.
        raise failure(f"project: {number!r} is no number of a project; give a number, or an address and a number")
    return (address[0] if address else None), number


def _number(project: str) -> str:
    if not project.isdecimal():
        raise failure(f"project: {project!r} is no number of a project; give the one in Label Studio's address bar")
    return project


Project = Annotated[str, typer.Argument(help="The project's number in Label Studio.", callback=_number)]
DataDir = Annotated[Path | None, typer.Option(help="Where events and accepted work live (IHP_DATA_DIR).")]

ForgetAfter = Annotated[
    int,
    typer.Option(
        envvar="IHP_FORGET_AFTER_DAYS", min=0, help="Days after which tasks deleted in Label Studio are forgotten."
    ),
]


def open_workspace(
    data_dir: Path | None, *, existing: bool = False, restoring: bool = False
) -> tuple[Workspace, ImageSettings]:
    """The stores of the data folder, and how Label Studio is reached; fails as a command does.

    Args:
        data_dir: the folder; None: the one in the environment.
        existing: whether it must be there already, as there is nothing to tell of another.
        restoring: whether a backup is restored into it.
    """
    from ihp_backend.finetuning.workspace import Workspace
    from ihp_backend.label_studio.backend_settings import BackendSettings, SettingsError
    from ihp_backend.storage.storage_error import StorageError

    try:
        settings = BackendSettings.from_environment(data_dir=data_dir)
        if existing and not settings.data_dir.is_dir():
            raise SettingsError(
                f"data_dir: there is no folder {settings.data_dir}; "
                "give that of ihp serve with --data-dir or IHP_DATA_DIR"
            )
        settings.prepare_data_dir()
        return Workspace(settings.places, restoring=restoring), settings.images
    except (SettingsError, StorageError) as error:
        raise failure(str(error)) from None
