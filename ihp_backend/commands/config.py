"""`ihp config`: a labelling config to paste into Label Studio."""

from __future__ import annotations

from typing import Annotated

import typer

from ihp_backend.commands.failing import failure


def config(
    name: Annotated[str | None, typer.Argument(help="A label set by name, for example lip or helen.")] = None,
    labels: Annotated[str | None, typer.Option(help="Your own labels, separated by commas.")] = None,
    bitmask: Annotated[bool, typer.Option("--bitmask", help="BitmaskLabels for the masks, not BrushLabels.")] = False,
) -> None:
    """Print a labelling config: paste it under Settings, Labeling Interface, Code."""
    from ihp_backend.label_studio.config.config_writer import labelling_config
    from ihp_backend.labels import BENCHMARKS, LabelSet, is_background

    if (name is None) == (labels is None):
        raise failure(f"name: give one of {', '.join(BENCHMARKS)}, or your own labels with --labels")
    if labels is not None:
        own = [label.strip() for label in labels.split(",") if label.strip()]
        background = next((label for label in own if is_background(label)), "background")
        try:
            chosen = LabelSet((background, *(label for label in own if label != background)))
        except ValueError as error:
            raise failure(f"labels: {error}") from None
    elif name in BENCHMARKS:
        chosen = BENCHMARKS[name]
    else:
        raise failure(f"name: {name!r} is unknown; choose one of {', '.join(BENCHMARKS)}, or give --labels")
    typer.echo(labelling_config(chosen, bitmask=bitmask), nl=False)
