"""The `ihp` command. Heavy imports stay inside the commands, so that `ihp --help` answers at once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ihp_backend.commands.accepted import accepted, sync
from ihp_backend.commands.config import config
from ihp_backend.commands.credentials_file import credentials
from ihp_backend.commands.doctor import doctor
from ihp_backend.commands.fine_tuning import train, train_status, worker
from ihp_backend.commands.forget import forget
from ihp_backend.commands.former_options import tell_hints
from ihp_backend.commands.label_mapping import labels
from ihp_backend.commands.models import models
from ihp_backend.commands.predict_project import predict_project
from ihp_backend.commands.serving import serve
from ihp_backend.commands.shared import failure

if TYPE_CHECKING:
    from ihp_backend.clicks import Click
    from ihp_backend.labels import LabelSet

EXAMPLES = {
    "accepted": "ihp accepted 3 --export accepted-3 --format coco",
    "config": "ihp config lip > labelling-config.xml",
    "credentials": "ihp credentials --file ~/ihp-credentials.json",
    "doctor": "ihp doctor --project 3 --fix",
    "forget": "ihp forget --dry-run",
    "labels": 'ihp labels 3 --set "top=upper clothes, coat"',
    "parse": "ihp parse photo.jpg --click 120,80,face --out parsing.png",
    "predict-project": "ihp predict-project http://127.0.0.1:8080 3 --limit 100",
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
    serve, accepted, config, credentials, doctor, forget, labels, predict_project, sync, train, train_status, worker,
):  # fmt: skip
    _name = _command.__name__.replace("_", "-")
    app.command(_name, epilog=f"Example: {EXAMPLES[_name]}")(_command)
for _registered in models.registered_commands:
    _own_name = _registered.name or getattr(_registered.callback, "__name__", "")
    _registered.epilog = f"Example: {EXAMPLES[f'models {_own_name}']}"
app.add_typer(models, name="models")


@app.command(epilog=f"Example: {EXAMPLES['parse']}")
def parse(
    image: Annotated[Path, typer.Argument(help="A photograph.")],
    out: Annotated[Path, typer.Option(help="Where the label map goes: a .png, with a palette of the labels' colours.")],
    click: Annotated[
        list[str] | None, typer.Option(help="x,y,label or x,y,label,negative in pixels; give it once per click.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Model folder or packaged model's name.")] = None,
) -> None:
    """Parse one photograph, with or without clicks."""
    from ihp_backend.datasets.writing import write_mask
    from ihp_backend.parsing.parser import Parser
    from ihp_backend.parsing.photograph import read_photograph

    if out.suffix.lower() != ".png":
        raise failure(
            f"out: {out} does not end in .png; label maps are written as PNG only, since JPEG, say, would change labels"
        )
    try:
        read = read_photograph(image.read_bytes())
    except OSError as error:
        raise failure(f"image: {image} cannot be read ({error.strerror}); give the path of a photograph") from None
    except ValueError as error:
        raise failure(f"image: {image}: {error}") from None
    photograph = read.pixels
    for note in read.notes:
        typer.echo(f"ihp: image: {image}: {note}", err=True)
    try:
        parser = Parser.from_pretrained(model)
        height, width = photograph.shape[:2]
        clicks = [_read_click(text, parser.labels, height, width) for text in click or []]
    except ValueError as error:
        raise failure(str(error)) from None
    label_map = parser.parse(parser.open(photograph), clicks).label_map
    try:
        write_mask(out, label_map, parser.labels)
    except (OSError, ValueError) as error:
        raise failure(
            f"out: {out} cannot be written ({error}); give a path in a folder that can be written to"
        ) from None
    found = [name for label, name in enumerate(parser.labels.names) if label and (label_map == label).any()]
    typer.echo(f"{out}: {width} x {height} pixels, {', '.join(found) or 'background only'}")


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


def _read_click(text: str, labels: LabelSet, height: int, width: int) -> Click:
    """A click from "x,y,label" or "x,y,label,negative"; a label may be spelled as in any labelling config."""
    from ihp_backend.clicks import Click
    from ihp_backend.labels import match_labels

    parts = [part.strip() for part in text.split(",")]
    if len(parts) not in (3, 4) or parts[3:] not in ([], ["negative"], ["positive"]):
        raise ValueError(f"click: {text!r} is no click; write x,y,label or x,y,label,negative")
    try:
        x, y = int(parts[0]), int(parts[1])
    except ValueError:
        raise ValueError(f"click: {text!r} has no whole numbers for x and y; write for example 120,80,face") from None
    if not (0 <= x < width and 0 <= y < height):
        raise ValueError(f"click: {text!r} is outside the photograph of {width} x {height} pixels")
    match = match_labels([parts[2]], labels)
    if match.unmatched:
        raise ValueError(f"click: label {parts[2]!r} is unknown; choose one of {', '.join(labels.names)}")
    return Click(x, y, match.ids[parts[2]], positive=parts[3:] != ["negative"])


if __name__ == "__main__":
    main()
