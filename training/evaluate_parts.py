"""Measures networks that find one part at a time: ``python -m training.evaluate_parts MODEL --data DIR --out DIR``.

MODEL is the model folder of an iDeepLab V3+, measured under its own protocol (every part is clicked by itself, then
the parts are merged), or a DEXTR training's checkpoint (four extreme points for every part). Prints mIoU and clicks per
label, and writes them as ``curve.json``; the same command goes on after an interruption.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import reduce
from operator import add
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.progress import track

from ihp_backend.datasets import ParsingDataset, open_dataset
from ihp_backend.evaluation import provenance
from ihp_backend.evaluation.confusion import intersection_over_union
from ihp_backend.evaluation.part_curve import PartCurve
from ihp_backend.evaluation.summary import write_json
from ihp_backend.labels import LabelSet
from ihp_backend.parsing.checkpoint import CheckpointError
from training.dataset_options import OPTION_HELP, parsed_options
from training.run_folder import config_of, settings_of

console = Console()


def main(
    model: Annotated[Path, typer.Argument(help="Model folder of an iDeepLab V3+, or a DEXTR checkpoint (.ckpt).")],
    data: Annotated[Path, typer.Option(help="Folder of the data set.")],
    out: Annotated[Path, typer.Option(help="Folder for curve.json.")],
    dataset: Annotated[str, typer.Option(help="Data set by name, see docs/datasets.md.")] = "ccp",
    split: Annotated[str, typer.Option()] = "val",
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first photographs.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Clicks per part under iDeepLab's own protocol.")] = 4,
    seed: Annotated[int, typer.Option(help="Of the simulated annotator.")] = 0,
    option: Annotated[list[str] | None, typer.Option(help=OPTION_HELP)] = None,
) -> None:
    """Measures a part network."""
    began = perf_counter()
    try:
        samples = open_dataset(dataset, data, split, parsed_options(option))
        indices = range(min(limit or len(samples), len(samples)))
        version, curve_of = _measure_of(model, samples, seed, rounds)
    except (CheckpointError, ValueError, FileNotFoundError) as error:
        raise SystemExit(f"evaluate_parts: {error}") from None
    curve = _measure(curve_of, indices, out / f"{version}-{seed}.partial", version)
    for round_, (mean_iou, clicks) in enumerate(zip(curve.mean_ious(), curve.clicks_per_label(), strict=True)):
        console.print(f"round {round_ + 1}: {clicks:.2f} clicks per label, mIoU {mean_iou:.2f}")
    record = {
        "model": version,
        "dataset": dataset,
        "split": split,
        **provenance("training.evaluate_parts"),
        "seconds": round(perf_counter() - began, 1),
        "photographs": len(curve.photographs),
        "seeds": [seed],
        **figures(curve, samples.labels),
    }
    write_json(out / "curve.json", record)


def figures(curve: PartCurve, labels: LabelSet) -> dict[str, Any]:
    """mIoU, clicks and IoU of every label by round, under the names that ``training.evaluate`` gives them."""
    ious = [intersection_over_union(confusion) * 100 for confusion in curve.confusions]
    return {
        "mean_iou": [curve.mean_ious()],
        "clicks_per_label": [curve.clicks_per_label()],
        "labels": {name: [[float(iou[label]) for iou in ious]] for label, name in enumerate(labels.names)},
    }


def _measure_of(model: Path, samples: ParsingDataset, seed: int, rounds: int) -> tuple[str, Any]:
    """The model's version, and a function that gives the growing curve of some photographs."""
    if model.suffix != ".ckpt":
        from ihp_backend.evaluation.single_part_protocol import PartParser, single_part_curve

        parts = PartParser.from_pretrained(model)
        return parts.version, lambda indices: single_part_curve(parts, samples, indices, seed, rounds=rounds)
    from ihp_backend.evaluation.dextr_protocol import extreme_point_curve

    points = _extreme_points(model)
    return f"{model.resolve().parents[1].name}-dextr", lambda indices: extreme_point_curve(
        points, samples, indices, seed
    )


def _extreme_points(checkpoint: Path) -> Any:
    """The parser of a DEXTR training."""
    from ihp_backend.evaluation.dextr_protocol import ExtremePointParser
    from ihp_backend.networks import ExtremePointDeepLab
    from ihp_backend.networks.extreme_points import ExtremePointView
    from ihp_backend.networks.weights import differing
    from training.export import network_weights

    settings = settings_of(config_of(checkpoint))
    network = ExtremePointDeepLab(**{**settings["model"]["network"]["init_args"], "encoder_weights": None})
    weights = network_weights(checkpoint)
    if different := differing(network.state_dict(), weights):
        raise ValueError(f"model: {checkpoint} is not of a DEXTR training (first tensor that differs: {different[0]})")
    network.load_state_dict(weights)
    return ExtremePointParser(network, ExtremePointView(**settings["data"]["view"]["init_args"]["view"]))


def _measure(curve_of: Any, indices: Sequence[int], partial: Path, version: str) -> PartCurve:
    """The curve over all photographs; keeps every photograph's as a line of a file until all are there."""
    partial.parent.mkdir(parents=True, exist_ok=True)
    done = _read(partial)
    with partial.open("w") as file:
        file.writelines(map(_line, done))
        for index in track(indices[len(done) :], version, console=console):
            *_, curve = curve_of([index])
            done.append(curve)
            file.write(_line(curve))
            file.flush()
    partial.unlink()
    return reduce(add, done)


def _line(curve: PartCurve) -> str:
    counts = {"confusions": curve.confusions.tolist(), "clicks": curve.clicks.tolist()}
    return json.dumps({**counts, "labels_present": curve.labels_present, "photographs": curve.photographs}) + "\n"


def _read(partial: Path) -> list[PartCurve]:
    """The curves that an interrupted run left; a line that was cut off is left out."""
    lines = partial.read_text().splitlines(keepends=True) if partial.exists() else []
    records = [json.loads(line) for line in lines if line.endswith("\n")]
    return [
        PartCurve(np.array(one["confusions"]), np.array(one["clicks"]), one["labels_present"], one["photographs"])
        for one in records
    ]


if __name__ == "__main__":
    typer.run(main)
