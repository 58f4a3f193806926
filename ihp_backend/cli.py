"""The `ihp` command. Heavy imports stay inside the commands, so that `ihp --help` answers at once."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ihp_backend.commands.accepted import accepted, sync
from ihp_backend.commands.backup import backup, restore
from ihp_backend.commands.config import config
from ihp_backend.commands.credentials_file import credentials
from ihp_backend.commands.doctor import doctor
from ihp_backend.commands.fine_tuning import train, train_status, worker
from ihp_backend.commands.forget import forget
from ihp_backend.commands.former_options import tell_hints
from ihp_backend.commands.label_mapping import labels
from ihp_backend.commands.models import models
from ihp_backend.commands.parse import parse
from ihp_backend.commands.predict_project import predict_project
from ihp_backend.commands.serving import serve

EXAMPLES = {
    "accepted": "ihp accepted 3 --export accepted-3 --format coco",
    "backup": "ihp backup ihp-2026-11-27.tar",
    "config": "ihp config lip > labelling-config.xml",
    "credentials": "ihp credentials --file ~/ihp-credentials.json",
    "doctor": "ihp doctor --project 3 --fix",
    "forget": "ihp forget --dry-run",
    "labels": 'ihp labels 3 --set "top=upper clothes, coat" --set "footwear=left shoe, right shoe"',
    "parse": "ihp parse photographs --out parsed --write mask,label-studio",
    "predict-project": "ihp predict-project http://127.0.0.1:8080 3 --limit 100",
    "restore": "ihp restore ihp-2026-11-27.tar --data-dir ~/restored",
    "serve": "LABEL_STUDIO_URL=http://127.0.0.1:8080 LABEL_STUDIO_API_KEY=... ihp serve --port 9090",
    "sync": "ihp sync 3",
    "train": "ihp train 3 --device cpu",
    "train-status": "ihp train-status 3 --follow",
    "version": "ihp version",
    "worker": "ihp worker --every 50 --policy agreed",
    "models list": "ihp models list 3 --json",
    "models show": "ihp models show 3 0001-92ca0741",
    "models promote": "ihp models promote 3 0001-92ca0741",
    "models rollback": "ihp models rollback 3",
    "models prune": "ihp models prune 3 --keep 2",
    "models history": "ihp models history 3",
}
"""An example for the help of each command."""

app = typer.Typer(no_args_is_help=True, pretty_exceptions_show_locals=False)
for _command in (
    serve, accepted, backup, config, credentials, doctor, forget, labels, parse, predict_project, restore, sync, train,
    train_status, worker,
):  # fmt: skip
    _name = _command.__name__.replace("_", "-")
    app.command(_name, epilog=f"Example: {EXAMPLES[_name]}")(_command)
for _registered in models.registered_commands:
    _own_name = _registered.name or getattr(_registered.callback, "__name__", "")
    _registered.epilog = f"Example: {EXAMPLES[f'models {_own_name}']}"
app.add_typer(models, name="models")


@app.command(epilog=f"Example: {EXAMPLES['version']}")
def version() -> None:
    """Print the version."""
    _print_version(True)


def _print_version(asked: bool) -> None:
    from importlib.metadata import version as installed

    if asked:
        typer.echo(f"ihp-backend {installed('ihp-backend')}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Click-driven human parsing for Label Studio."""


def main() -> None:
    """The console entry point."""
    tell_hints(sys.argv[1:])
    app()


if __name__ == "__main__":
    main()
