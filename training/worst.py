"""The photographs that a model parses worst: ``python -m training.worst --data DIR --records FOLDER --out FILE``.

Reads the records that ``training.evaluate --out FOLDER`` left, or makes those that are missing, and draws the truth and
the parsings after some numbers of corrections, with the clicks on them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from ihp_backend.datasets import open_dataset
from ihp_backend.evaluation import Annotator, evaluate
from ihp_backend.evaluation.drawing import Picture, draw_parsing
from ihp_backend.parsing.checkpoint import CheckpointError
from ihp_backend.parsing.cores import available_cores
from training.dataset_options import OPTION_HELP, parsed_options
from training.evaluation_models import parser_maker
from training.picture_sheet import answers, write_sheet

console = Console()


def main(
    data: Annotated[Path, typer.Option(help="Folder of the data set.")],
    out: Annotated[Path, typer.Option(help="Where the picture goes, a .png or .jpg.")],
    records: Annotated[Path | None, typer.Option(help="Folder of a measurement's records.")] = None,
    dataset: Annotated[str, typer.Option(help="Data set by name, see docs/datasets.md.")] = "ccp",
    model: Annotated[str | None, typer.Option(help="As in training.evaluate.")] = None,
    split: Annotated[str, typer.Option()] = "val",
    corrections: Annotated[int, typer.Option(min=0, help="Of the measurement.")] = 20,
    last_answer: Annotated[bool, typer.Option(help="As in training.evaluate.")] = True,
    after: Annotated[int, typer.Option(min=0, help="Worst after how many corrections.")] = 5,
    count: Annotated[int, typer.Option(min=1, help="Photographs to show.")] = 12,
    option: Annotated[list[str] | None, typer.Option(help=OPTION_HELP)] = None,
) -> None:
    """Draws them, the worst one first."""
    if after > corrections:
        raise SystemExit(f"worst: after: {after} given; a measurement of {corrections} corrections has no such round")
    try:
        samples = open_dataset(dataset, data, split, parsed_options(option))
        annotator = Annotator(corrections=corrections, last_answer=last_answer)
        with parser_maker(model, samples.labels) as make_parser:
            (curve,) = evaluate(
                make_parser, samples, range(len(samples)), annotator, [0], available_cores(), records, console=console
            )
            parser = make_parser()
    except (CheckpointError, ValueError, FileNotFoundError) as error:
        raise SystemExit(f"worst: {error}") from None
    ious = np.array(curve.photograph_ious)
    worst = ious[:, after].argsort(kind="stable")[:count].tolist()
    rounds = sorted({0, after, corrections})
    columns: dict[str, list[Picture]] = {"photograph": [], "truth": [], **{f"after {number}": [] for number in rounds}}
    for index in worst:
        sample = samples[index]
        drawn = answers(parser, sample, index, annotator, rounds)
        truth = draw_parsing(sample.image, sample.parsing, samples.labels)
        for pictures, picture in zip(columns.values(), (sample.image, truth, *drawn), strict=True):
            pictures.append(picture)
    captions = [f"{samples.ids[index]}: " + ", ".join(f"{iou:.0f}" for iou in ious[index, rounds]) for index in worst]
    write_sheet(out, columns, captions)
    console.print(f"{out}: {len(worst)} photographs, their mIoU from {ious[worst[0], after]:.1f}", markup=False)


if __name__ == "__main__":
    typer.run(main)
