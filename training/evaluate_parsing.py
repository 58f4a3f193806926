"""Automatic parsing on a data set: ``python -m training.evaluate_parsing --dataset NAME --data DIR [--model MODEL]``.

Parses every photograph without clicks, as the server does for a pre-annotation, and prints what papers on human parsing
report: accuracies, precision, recall, F1, IoU, parameters, and photographs per second. With ``--out`` writes them as
JSON, CSV and PNG with what produced them, and keeps every photograph's record, so that the same command goes on after
an interruption.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from safetensors import safe_open

from ihp_backend.datasets import ParsingDataset, open_dataset
from ihp_backend.evaluation import Annotator, evaluate, provenance
from ihp_backend.evaluation.click_parser import ClickParser
from ihp_backend.evaluation.label_plots import plot_confusion, plot_labels
from ihp_backend.evaluation.parsing_figures import parsing_figures, write_label_figures
from ihp_backend.evaluation.protocol import ServedParser
from ihp_backend.evaluation.summary import write_json
from ihp_backend.parsing.checkpoint import Checkpoint, CheckpointError, read_checkpoint
from ihp_backend.parsing.cores import available_cores
from training.dataset_options import OPTION_HELP, parsed_options
from training.evaluation_models import exported, parser_maker
from training.evaluation_tables import show_parsing

WITHOUT_CLICKS = Annotator(start="nothing", corrections=0)

TIMED = 20
"""Photographs that are parsed once more to see how long one takes."""

console = Console()


def main(
    data: Annotated[Path, typer.Option(help="Folder of the data set.")],
    dataset: Annotated[str, typer.Option(help="Data set by name, see docs/datasets.md.")] = "ccp",
    model: Annotated[
        str | None, typer.Option(help="Packaged model, model folder or .ckpt; default: the packaged one.")
    ] = None,
    engine: Annotated[str, typer.Option(help="onnx or torch.")] = "onnx",
    flip: Annotated[bool, typer.Option("--flip", help="Average with the mirrored photograph.")] = False,
    scales: Annotated[
        str | None, typer.Option(help="Average over the photograph at these scales, separated by commas.")
    ] = None,
    split: Annotated[str, typer.Option()] = "val",
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first photographs.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; default: one per core.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for figures and records.")] = None,
    option: Annotated[list[str] | None, typer.Option(help=OPTION_HELP)] = None,
) -> None:
    """Measures a model without clicks."""
    began = perf_counter()
    try:
        samples: ParsingDataset = open_dataset(dataset, data, split, parsed_options(option))
        indices = range(min(limit or len(samples), len(samples)))
        cores = available_cores()
        processes = workers or cores
        with exported(model) as servable:
            parameters = count_parameters(read_checkpoint(servable))
            making = partial(
                parser_maker, servable, samples.labels, engine=engine, scales=parsed_scales(scales), flip=flip
            )
            with making(threads=max(cores // processes, 1)) as make_parser:
                version = make_parser().version
                (curve,) = evaluate(
                    make_parser, samples, indices, WITHOUT_CLICKS, [0], processes, out,
                    description=version, console=console,
                )  # fmt: skip
            with making(threads=cores) as make_parser:
                speed = photographs_per_second(make_parser(), samples, indices[:TIMED])
    except (CheckpointError, ValueError, FileNotFoundError) as error:
        raise SystemExit(f"evaluate_parsing: {error}") from None
    confusion = curve.sums["confusions"][0]
    record = {
        "model": version,
        "dataset": dataset,
        "split": split,
        **provenance("training.evaluate_parsing"),
        "seconds": round(perf_counter() - began, 1),
        "workers": processes,
        "engine": engine,
        "photographs": len(curve.photographs),
        "parameters": parameters,
        "photographs_per_second": speed,
        **parsing_figures(confusion, samples.labels),
    }
    show_parsing(console, record)
    if out is not None:
        write(out, record, confusion)


def parsed_scales(given: str | None) -> tuple[float, ...]:
    """The scales of a text such as "0.75,1,1.25"; none for None.

    Raises:
        ValueError: it has something that is no number.
    """
    try:
        return tuple(float(scale) for scale in given.split(",")) if given is not None else ()
    except ValueError:
        raise ValueError(
            f"scales: {given!r} given; give numbers separated by commas, for example 0.75,1,1.25"
        ) from None


def count_parameters(checkpoint: Checkpoint) -> dict[str, int]:
    """Numbers of a network that were learned: all of them, and those outside of norm layers, which RPR counts.

    They are told by the names and shapes of the weights: the statistics of batch norms are not learned, and a layer
    whose ``weight`` has a single axis is a norm layer.
    """
    with safe_open(checkpoint.file("model.safetensors"), "numpy") as weights:
        shapes = {name: weights.get_slice(name).get_shape() for name in weights.keys()}  # noqa: SIM118
    statistics = ("running_mean", "running_var", "num_batches_tracked")
    learned = {name: math.prod(shape) for name, shape in shapes.items() if name.rpartition(".")[2] not in statistics}
    norms = {name.removesuffix("weight") for name in learned if name.endswith("weight") and len(shapes[name]) == 1}
    in_norms = sum(count for name, count in learned.items() if name.rpartition(".")[0] + "." in norms)
    return {"all": sum(learned.values()), "without_norm_layers": sum(learned.values()) - in_norms}


def photographs_per_second(parser: ClickParser, samples: ParsingDataset, indices: Sequence[int]) -> float:
    """How many photographs are opened and parsed in a second, one at a time; reading them is left out.

    The first one is parsed once before the clock runs, since first answers take longer.
    """
    seconds = []
    for index in track([indices[0], *indices], "one at a time", console=console):
        image = samples[index].image
        began = perf_counter()
        ServedParser(parser, parser.open(image)).answer([])
        seconds.append(perf_counter() - began)
    return len(indices) / sum(seconds[1:])


def write(out: Path, record: dict[str, Any], confusion: NDArray[np.int64]) -> None:
    """Writes figures.json (everything), labels.csv and PNGs."""
    write_json(out / "figures.json", record)
    write_label_figures(out / "labels.csv", record)
    names, of_labels = list(record["labels"]), record["labels"].values()
    title = f"{record['model']}\n{record['dataset']} {record['split']}, {record['photographs']} photographs"
    plot_confusion(out / "confusion.png", confusion, names, title)
    values = {measure: [of_label[measure] for of_label in of_labels] for measure in ("iou", "precision", "recall")}
    plot_labels(out / "labels.png", values.pop("iou"), values, names, "IoU", title)


if __name__ == "__main__":
    typer.run(main)
