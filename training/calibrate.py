"""Makes a model's probabilities come true: ``python -m training.calibrate MODEL_FOLDER --data DIR``.

Fits one temperature on the cells of a split's photographs, half of them after the initial clicks and half after
corrections, and writes it into the model folder's ``model.json``. The error that is reported is measured on photographs
that the temperature was not fitted on: the split is halved and each half judged with the other's temperature.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import track

from ihp_backend.datasets import open_dataset
from ihp_backend.evaluation import Annotator
from ihp_backend.evaluation.calibration import (
    Cells,
    Reliability,
    fit_temperature,
    plot_reliability,
    reliability,
    sample_cells,
)
from ihp_backend.evaluation.click_parser import check_labels
from ihp_backend.parsing import Parser
from ihp_backend.parsing.checkpoint import CheckpointError
from training.dataset_options import OPTION_HELP, parsed_options

console = Console()


def main(
    model: Annotated[Path, typer.Argument(help="Model folder.")],
    data: Annotated[Path, typer.Option(help="Folder of the data set.")],
    dataset: Annotated[str, typer.Option(help="Data set by name, with the model's labels.")] = "ccp",
    split: Annotated[str, typer.Option()] = "val",
    limit: Annotated[int | None, typer.Option(min=2, help="Only the first photographs.")] = None,
    corrections: Annotated[int, typer.Option(min=0)] = 5,
    cells: Annotated[int, typer.Option(min=1, help="Per photograph, before and after the corrections.")] = 400,
    seed: Annotated[int, typer.Option()] = 0,
    plot: Annotated[Path | None, typer.Option(help="PNG file of the reliability.")] = None,
    option: Annotated[list[str] | None, typer.Option(help=OPTION_HELP)] = None,
) -> None:
    """Calibrates a model folder in place."""
    try:
        parser, samples = (
            Parser.from_pretrained(model, unfiltered=True),
            open_dataset(dataset, data, split, parsed_options(option)),
        )
        check_labels(parser.labels, samples.labels)
    except (CheckpointError, FileNotFoundError, ValueError) as error:
        raise SystemExit(f"calibrate: {error}") from None
    halves: tuple[list[Cells], list[Cells]] = ([], [])
    for index in track(range(min(limit or len(samples), len(samples))), "looking at cells", console=console):
        rng = np.random.default_rng([seed, index])
        halves[index % 2].append(sample_cells(parser, samples[index], Annotator(), rng, cells, corrections))
    if not all(halves):
        raise SystemExit(f"calibrate: {split} has {len(samples)} photographs, at least 2 are needed")
    one, other = (Cells.joined(half) for half in halves)
    both = Cells.joined([one, other])
    before = reliability(both)
    after = _together(reliability(one, fit_temperature(other)), reliability(other, fit_temperature(one)))
    temperature = fit_temperature(both)
    description = model / "model.json"
    described = json.loads(description.read_text())
    description.write_text(json.dumps({**described, "temperature": round(temperature, 4)}, indent=1) + "\n")
    if plot is not None:
        plot_reliability(plot, before, after)
    console.print(
        f"{description}: temperature {temperature:.3f}; expected calibration error on {len(both.truth)} cells "
        f"{100 * before.error:.2f} % as trained, {100 * after.error:.2f} % calibrated"
    )


def _together(one: Reliability, other: Reliability) -> Reliability:
    """The reliability of the answers of both."""
    count = one.count + other.count

    def mean(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        total = np.nan_to_num(first) * one.count + np.nan_to_num(second) * other.count
        return np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)

    return Reliability(mean(one.confidence, other.confidence), mean(one.accuracy, other.accuracy), count)


if __name__ == "__main__":
    typer.run(main)
