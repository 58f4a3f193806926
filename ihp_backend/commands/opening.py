"""What commands about projects have in common: how the project and the data folder are named and opened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ihp_backend.commands.failing import failure

if TYPE_CHECKING:
    from ihp_backend.label_studio.web.image_settings import ImageSettings
    from ihp_backend.lessons.school import School

Project = Annotated[str, typer.Argument(help="The project's number in Label Studio.")]
DataDir = Annotated[Path | None, typer.Option(help="Where events and accepted work live (IHP_DATA_DIR).")]


def open_school(data_dir: Path | None) -> tuple[School, ImageSettings]:
    """The stores of the data folder, and how Label Studio is reached; fails as a command does."""
    from ihp_backend.lessons.school import School
    from ihp_backend.retraining import StorageError
    from ihp_backend.server.settings import ServerSettings, SettingsError

    try:
        settings = ServerSettings.from_environment(data_dir=data_dir)
        return School(settings.prepare_data_dir()), settings.images
    except (SettingsError, StorageError) as error:
        raise failure(str(error)) from None
