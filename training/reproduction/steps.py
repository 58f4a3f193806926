"""Steps: the commands that a reproduction consists of, each with the file that shows it is done."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ihp_backend.labels import BENCHMARKS
from training.reproduction.methods import (
    EXTREME_POINTS,
    FORGETFUL,
    METHODS,
    MIRRORED,
    NOTHING,
    NOTHING_KNOWN,
    PACKAGED,
    PART_BY_PART,
    PRE_ANNOTATED,
    SCALED,
    UNSEEN_LABELS,
    Method,
)
from training.reproduction.scales import Scale

TRAIN, EXPORT, MEASURE = "train", "export", "measure"

PHOTOGRAPHS, PARTS = 150, 7
"""Photographs of a val split and parts of a photograph, for estimates of time."""

TRAININGS = {
    "clicks": "training.train",
    "live": "training.train_live",
    "automatic": "training.train_automatic",
}
"""The training of each kind of method; that of parts has all others."""

RECORD = "run.json"
"""File beside the figures of one method and seed that says where they come from."""


@dataclass(frozen=True)
class Step:
    """A step: one command.

    Attributes:
        name: as progress shows it.
        kind: steps of one kind take a like time per unit of ``work``.
        command: arguments of ``python``.
        product: file that exists once the step is done.
        work: training steps, or photographs.
    """

    name: str
    kind: str
    command: tuple[str, ...]
    product: Path
    work: int = 1

    def shown(self) -> str:
        """The command as one would type it."""
        return shlex.join(["python", *self.command])

    def full_command(self) -> list[str]:
        """The command for this interpreter."""
        return [sys.executable, *self.command]


@dataclass(frozen=True)
class Folders:
    """The folders that a reproduction reads and writes.

    Attributes:
        data: folder of the data set.
        work: folder of trainings and exported models.
        results: folder of what was measured, small enough to keep.
        weights: file with pretrained weights of the encoder, their name at the hub of segmentation-models-pytorch, or
            None for what the configuration says.
    """

    data: Path
    work: Path
    results: Path
    weights: str | Path | None = None

    def run(self, method: str, seed: int) -> Path:
        """Folder of a training."""
        return self.work / method / f"seed-{seed}"

    def measured(self, method: str, seed: int, start: str) -> Path:
        """File of the figures of one model under one way to begin."""
        file = "figures.json" if _without_clicks(METHODS[method], start) else "curve.json"
        return self.results / method / f"seed-{seed}" / start / file


def _without_clicks(method: Method, start: str) -> bool:
    """Whether it is parsing alone that is measured."""
    return method.parser is not None and start != PRE_ANNOTATED


def steps_of(method: Method, scale: Scale) -> int:
    """Training steps of a method."""
    return scale.steps * method.longer


def steps(name: str, seed: int, starts: tuple[str, ...], scale: Scale, folders: Folders) -> Iterator[Step]:
    """The steps that train the method called ``name`` with ``seed`` and measure it, in order.

    A model that is measured already needs neither training nor export.
    """
    method = METHODS[name]
    missing = [start for start in starts if not folders.measured(name, seed, start).exists()]
    if not missing:
        return
    title = f"{method.title}, seed {seed}"
    model = name
    if method.kind != "classical":
        run = folders.run(name, seed)
        checkpoint, model = str(run / "checkpoints" / "last.ckpt"), str(run / "model")
        yield Step(
            f"train {title}",
            TRAIN,
            fit_command(method, seed, scale, folders, run),
            run / "finished",
            steps_of(method, scale),
        )
        if method.kind == "dextr":
            model = checkpoint  # Its network takes crops, which no engine serves.
        else:
            export = ("-m", "training.export", checkpoint, "--out", model, "--working-size", str(scale.working_size))
            yield Step(f"export {title}", EXPORT, export, run / "model" / "model.json")
    for start in missing:
        figures = folders.measured(name, seed, start)
        part_by_part = start in (PART_BY_PART, EXTREME_POINTS)
        measure = evaluate_parts_command if part_by_part else evaluate_command
        if _without_clicks(method, start):
            measure = evaluate_parsing_command
        # A part network runs once for every part.
        work = (scale.photographs or PHOTOGRAPHS) * (PARTS if method.kind in ("ideeplab", "dextr") else 1)
        command = measure(method, model, start, scale, folders, figures.parent)
        yield Step(f"measure {title}, {start}", MEASURE, command, figures, work)


def fit_command(method: Method, seed: int, scale: Scale, folders: Folders, run: Path) -> tuple[str, ...]:
    """Arguments of ``python`` for a training; one that was interrupted goes on at its last checkpoint."""
    options = {
        "seed_everything": str(seed),
        "model.seed": str(seed),
        "data.seed": str(seed),
        "data.root": str(folders.data),
        "data.steps": str(steps_of(method, scale)),
        "trainer.val_check_interval": str(min(scale.validate_every, scale.steps)),
        **(_weights(folders.weights) if method.parser is None or _is_file(folders.weights) else {}),
        **(_of_parts(method, scale) if method.kind in ("ideeplab", "dextr") else {}),
        **options_of(method, scale, folders.weights),
    }
    module = TRAININGS.get(method.kind, "training.train_parts")
    configs = [argument for file in scale.configs_of(method.kind) for argument in ("--config", file)]
    given = [argument for name, value in options.items() for argument in (f"--{name}", value)]
    return ("-m", module, "fit", *configs, "--run", str(run), *given)


def _is_file(weights: str | Path | None) -> bool:
    return weights is not None and Path(weights).is_file()


def _weights(given: str | Path | None) -> dict[str, str]:
    """Options for the encoder's weights: a file, or a name that segmentation-models-pytorch's hub knows."""
    if given is None:
        return {}
    if _is_file(given):
        return {"model.encoder_weights": str(given)}
    from ihp_backend.networks.pretrained import IMAGENET_DEVIATION, IMAGENET_MEAN  # Needs torch.

    # The recipes in small have the normalisation of the weights in the model cards; the hub's have the usual one.
    usual = {"mean": IMAGENET_MEAN, "deviation": IMAGENET_DEVIATION}
    network = {"encoder_weights": str(given), **{name: json.dumps(list(values)) for name, values in usual.items()}}
    return {f"model.network.{name}": value for name, value in network.items()}


def _of_parts(method: Method, scale: Scale) -> dict[str, str]:
    """Options that the part networks' configurations leave open: they are the same for all data sets."""
    counted = {"model.network.num_labels": str(len(BENCHMARKS[scale.dataset]))} if method.kind == "ideeplab" else {}
    return {"data.dataset": scale.dataset, **counted}


def options_of(method: Method, scale: Scale, weights: str | Path | None = None) -> dict[str, str]:
    """Options that make a method what it is; regions and joints of a parser depend on the labels of the data set."""
    if method.parser is None:
        return method.options
    hub = None if weights is None or _is_file(weights) else str(weights)
    settings = method.parser.settings(BENCHMARKS[scale.dataset], full=scale.name == "full", hub=hub)
    return {"data.dataset": scale.dataset, **settings, **method.options}


def evaluate_command(
    method: Method, model: str, start: str, scale: Scale, folders: Folders, out: Path
) -> tuple[str, ...]:
    """Arguments of ``python`` for the interaction protocol; the paper's networks are not helped to obey."""
    how = {
        UNSEEN_LABELS: ("--unseen-labels",),
        FORGETFUL: ("--no-last-answer",),
        NOTHING_KNOWN: ("--start", NOTHING, "--unseen-labels"),
        PRE_ANNOTATED: ("--start", NOTHING, "--pre-annotations", model),
    }.get(start, ("--start", start))
    pre_annotated = start == PRE_ANNOTATED
    most = scale.corrections or scale.after_parsing
    return (
        "-m", "training.evaluate", "--model", PACKAGED if pre_annotated else model, *_data(scale, folders, out),
        *how, "--enforce-clicks" if method.enforce_clicks or pre_annotated else "--no-enforce-clicks",
        "--corrections", str(min(method.corrections or most, most)), "--seeds", "1",
    )  # fmt: skip


def evaluate_parsing_command(
    method: Method, model: str, start: str, scale: Scale, folders: Folders, out: Path
) -> tuple[str, ...]:
    """Arguments of ``python`` for parsing without clicks, averaged over mirror images or scales where it is asked."""
    averaged = {MIRRORED: ("--flip",), SCALED: ("--flip", "--scales", "0.75,1,1.25")}.get(start, ())
    return ("-m", "training.evaluate_parsing", "--model", model, *_data(scale, folders, out), *averaged)


def evaluate_parts_command(
    method: Method, model: str, start: str, scale: Scale, folders: Folders, out: Path
) -> tuple[str, ...]:
    """Arguments of ``python`` for what is annotated part by part."""
    return ("-m", "training.evaluate_parts", model, *_data(scale, folders, out))


def _data(scale: Scale, folders: Folders, out: Path) -> tuple[str, ...]:
    limit = ("--limit", str(scale.photographs)) if scale.photographs else ()
    return ("--dataset", scale.dataset, "--data", str(folders.data), "--out", str(out), *limit)
