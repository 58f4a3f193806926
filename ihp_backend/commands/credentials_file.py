"""`ihp credentials`: a file with new secrets, for who may do what at the server."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from ihp_backend.commands.shared import failure


def credentials(
    file: Annotated[
        Path | None,
        typer.Option(envvar="IHP_CREDENTIALS_FILE", help="Where to write it; by default into the data folder."),
    ] = None,
    data_dir: Annotated[Path | None, typer.Option(help="The data folder (IHP_DATA_DIR).")] = None,
) -> None:
    """Make a credentials file with a secret for Label Studio and one to look at /status; for its owner only."""
    from ihp_backend.label_studio.backend_settings import BackendSettings, SettingsError
    from ihp_backend.server.credentials import write_credentials

    try:
        file = file or BackendSettings.from_environment(data_dir=data_dir).prepare_data_dir() / "credentials.json"
        made = write_credentials(file)
    except SettingsError as error:
        raise failure(str(error)) from None
    except FileExistsError:
        raise failure(f"file: {file} is there already; Label Studio may have its secrets. Name another file") from None
    except OSError as error:
        raise failure(f"file: {file} cannot be written ({error.strerror}); name another with --file") from None
    for one in made:
        typer.echo(f"{one.name}: may {', '.join(sorted(one.rights))}")
    typer.echo(
        f"{file}: the secrets, readable by you only; next:\n"
        f"  export IHP_CREDENTIALS_FILE={shlex.quote(str(file.absolute()))}\n"
        "  ihp serve                     (again, if it runs)\n"
        "  ihp doctor --project 3 --fix  (gives Label Studio the first secret, for each of your projects)"
    )
