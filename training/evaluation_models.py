"""Models that ``--model`` can name: packaged models, model folders, checkpoints of a training, classical parsers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ihp_backend.evaluation import NearestClick, Watershed
from ihp_backend.evaluation.workers import MakeParser
from ihp_backend.labels import LabelSet
from ihp_backend.parsing import Parser
from training.run_folder import config_of

CLASSICAL = {"nearest": NearestClick, "watershed": Watershed}


@contextmanager
def parser_maker(
    model: str | None,
    labels: LabelSet,
    *,
    engine: str = "onnx",
    threads: int = 1,
    enforce_clicks: bool = True,
    unfiltered: bool = False,
    unseen_labels: bool = False,
    scales: Sequence[float] = (),
    flip: bool = False,
) -> Iterator[MakeParser]:
    """Gives a function without arguments that makes the parser called ``model``, in any process.

    Args:
        model: what ``exported`` takes, "nearest" or "watershed".
        labels: the label set that it shall speak.
        engine, threads, enforce_clicks, unfiltered: see ``Parser.from_pretrained``; the classical parsers have
            none of them.
        unseen_labels: whether a live network is asked as if it knew none of the labels.
        scales, flip: see ``Parser.averaged``; without either the parser answers as it serves.

    Raises:
        ValueError: see ``exported``; unseen labels to another network; scales or flip to a live network.
    """
    if model in CLASSICAL:
        yield partial(CLASSICAL[model], labels)
        return
    how: dict[str, Any] = {
        "engine": engine,
        "threads": threads,
        "enforce_clicks": enforce_clicks,
        "unfiltered": unfiltered,
    }
    load = partial(_load, labels=labels, unseen_labels=unseen_labels, scales=scales, flip=flip, **how)
    with exported(model) as servable:
        yield partial(load, servable)


@contextmanager
def exported(model: str | None) -> Iterator[str | None]:
    """What ``Parser.from_pretrained`` can load.

    Args:
        model: a packaged model, a model folder, a Lightning checkpoint (.ckpt, exported for as long as this lasts), or
            None for the packaged default model.

    Raises:
        ValueError: a checkpoint that does not exist or has no config.yaml in its run.
    """
    if model is None or not model.endswith(".ckpt"):
        yield model
        return
    with TemporaryDirectory(prefix="export-") as folder:
        yield str(_export(Path(model), Path(folder)))


def _load(
    model: str | None, labels: LabelSet, *, unseen_labels: bool, scales: Sequence[float], flip: bool, **how: Any
) -> Parser:
    parser = Parser.from_pretrained(model, labels, **how)
    if scales or flip:
        return parser.averaged(scales or (1.0,), flip)
    if not unseen_labels:
        return parser
    if not parser.any_labels:
        raise ValueError(f"unseen labels: {parser.version} answers only labels that it knows; measure it without")
    return parser.with_labels(labels, {})


def _export(checkpoint: Path, folder: Path) -> Path:
    """The model folder of a checkpoint, named after its run."""
    from training.export import main as export  # Needs torch, which measuring a model folder does not.

    config = config_of(checkpoint)
    out = folder / f"{config.parent.name}-{checkpoint.stem}"
    export(checkpoint, out=out, config=config)
    return out
