"""Steps: the commands that a reproduction consists of, each with the file that shows it is done."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from training.reproduction.methods import METHODS, Method
from training.reproduction.scales import Scale

TRAIN, EXPORT, MEASURE = "train", "export", "measure"

RECORD = "run.json"
"""File beside the figures of one method and seed that says where they come from."""


@dataclass(frozen=True)
class Step:
    """One command.

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
class Place:
    """Where a reproduction reads and writes.

    Attributes:
        data: folder of the data set.
        work: folder of trainings and exported models.
        results: folder of what was measured, small enough to keep.
        weights: file with pretrained weights of the encoder, or None for what the configuration says.
    """

    data: Path
    work: Path
    results: Path
    weights: Path | None = None

    def run(self, method: str, seed: int) -> Path:
        """Folder of a training."""
        return self.work / method / f"seed-{seed}"

    def measured(self, method: str, seed: int, start: str = "central") -> Path:
        """File of the figures of one model under one way to start."""
        return self.results / method / f"seed-{seed}" / start / "curve.json"


def steps(name: str, seed: int, starts: tuple[str, ...], scale: Scale, place: Place) -> Iterator[Step]:
    """What it takes to train the method called ``name`` with ``seed`` and to measure it, in order.

    A model that is measured already needs neither training nor export.
    """
    method = METHODS[name]
    missing = [start for start in starts if not place.measured(name, seed, start).exists()]
    if not missing:
        return
    title = f"{method.title}, seed {seed}"
    model = name
    if method.kind != "classical":
        run = place.run(name, seed)
        checkpoint, model = run / "checkpoints" / "last.ckpt", str(run / "model")
        finished = run / "finished"
        yield Step(f"train {title}", TRAIN, fit_command(method, seed, scale, place, run), finished, scale.steps)
        export = ("-m", "training.export", str(checkpoint), "--out", model, "--working-size", str(scale.working_size))
        yield Step(f"export {title}", EXPORT, export, run / "model" / "model.json")
    for start in missing:
        out = place.measured(name, seed, start).parent
        yield Step(
            f"measure {title}, from {start}", MEASURE, evaluate_command(model, start, scale, place, out),
            out / "curve.json", scale.photographs or 150,
        )  # fmt: skip


def fit_command(method: Method, seed: int, scale: Scale, place: Place, run: Path) -> tuple[str, ...]:
    """Arguments of ``python`` for a training; one that was interrupted goes on at its last checkpoint."""
    options = {
        "seed_everything": str(seed),
        "model.seed": str(seed),
        "data.seed": str(seed),
        "data.root": str(place.data),
        "data.steps": str(scale.steps),
        "trainer.val_check_interval": str(min(scale.validate_every, scale.steps)),
        **({"model.encoder_weights": str(place.weights)} if place.weights else {}),
        **method.options,
    }
    configs = [argument for file in scale.configs for argument in ("--config", file)]
    given = [argument for name, value in options.items() for argument in (f"--{name}", value)]
    return ("-m", "training.train", "fit", *configs, "--run", str(run), *given)


def evaluate_command(model: str, start: str, scale: Scale, place: Place, out: Path) -> tuple[str, ...]:
    """Arguments of ``python`` for a measurement; the paper's networks are not helped to obey."""
    limit = ("--limit", str(scale.photographs)) if scale.photographs else ()
    return (
        "-m", "training.evaluate", "--dataset", scale.dataset, "--data", str(place.data), "--model", model,
        "--start", start, "--no-obedient", "--corrections", str(scale.corrections), "--seeds", "1", *limit,
        "--out", str(out),
    )  # fmt: skip
