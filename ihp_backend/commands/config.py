"""`ihp config`: a labelling config to paste into Label Studio."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from ihp_backend.commands.shared import failure

if TYPE_CHECKING:
    from ihp_backend.labels import LabelSet


def config(
    name: Annotated[str | None, typer.Argument(help="A label set by name, for example lip or helen.")] = None,
    labels: Annotated[str | None, typer.Option(help="Your own labels, separated by commas.")] = None,
    bitmask: Annotated[bool, typer.Option("--bitmask", help="BitmaskLabels for the masks, not BrushLabels.")] = False,
    polygon: Annotated[bool, typer.Option("--polygon", help="PolygonLabels for the masks, not BrushLabels.")] = False,
) -> None:
    """Print a labelling config: paste it under Settings, Labeling Interface, Code."""
    from ihp_backend.label_studio.config.config_writer import Masks, labelling_config
    from ihp_backend.labels import BENCHMARKS

    if (name is None) == (labels is None):
        raise failure(f"name: give one of {', '.join(BENCHMARKS)}, or your own labels with --labels")
    if labels is not None:
        chosen = own_labels(labels)
    elif name in BENCHMARKS:
        chosen = BENCHMARKS[name]
    else:
        raise failure(f"name: {name!r} is unknown; choose one of {', '.join(BENCHMARKS)}, or give --labels")
    if bitmask and polygon:
        raise failure("bitmask, polygon: both are given; masks come in one form, so give one of them")
    masks: Masks = "BitmaskLabels" if bitmask else "PolygonLabels" if polygon else "BrushLabels"
    typer.echo(labelling_config(chosen, masks=masks), nl=False)


def own_labels(text: str) -> LabelSet:
    """Labels separated by commas, the background first, whether it is among them or not; fails as a command does."""
    from ihp_backend.labels import LabelSet, is_background
    from ihp_backend.labels.spelling import meaning_key, spelling_key

    own = [label.strip() for label in text.split(",") if label.strip()]
    backgrounds = [label for label in own if is_background(label)]
    if len(own) == len(backgrounds):
        raise failure(f"labels: {text!r} names no label; give some, for example --labels 'hair, beard, left glove'")
    for label in own:
        if not label.isprintable():
            raise failure(f"labels: {label!r} has characters that cannot be shown; write it without them")
    for alike, why in (
        *((names, "differ only in spelling") for names in _same(own, spelling_key)),
        (backgrounds, "all mean the background"),
    ):
        if len(set(alike)) > 1:
            raise failure(f"labels: {', '.join(map(repr, alike))} {why}; keep one of them")
    for alike in _same(own, meaning_key):
        if len({spelling_key(label) for label in alike}) > 1:
            typer.echo(
                f"ihp: labels: {', '.join(map(repr, alike))} are synonyms to the model: it knows none of them by name, "
                "clicks decide; keep one of them if you mean one part", err=True,
            )  # fmt: skip
    background = backgrounds[0] if backgrounds else "background"
    try:
        return LabelSet((background, *(label for label in own if label != background)))
    except ValueError as error:
        raise failure(f"labels: {error}") from None


def _same(labels: list[str], key: Callable[[str], str]) -> list[list[str]]:
    """The labels that share a key with another label."""
    found = defaultdict(list)
    for label in labels:
        if key(label):
            found[key(label)].append(label)
    return [names for names in found.values() if len(names) > 1]
