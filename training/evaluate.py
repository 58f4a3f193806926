"""The interaction protocol on a data set: ``python -m training.evaluate --data DIR [--model FOLDER] [--out DIR]``.

Prints mIoU after 0, 1, ... corrections, and writes it as JSON, CSV and PNG with the command, seeds and commit.
"""

from __future__ import annotations

import csv
import json
import shlex
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from ihp_backend.datasets import CcpDataset
from ihp_backend.evaluation import Annotator, Curve, interaction_curve, intersection_over_union
from ihp_backend.parsing import Parser

console = Console()


def main(
    data: Annotated[Path, typer.Option(help="Folder of the CCP person crops.")],
    model: Annotated[
        str | None, typer.Option(help="Packaged model or model folder; default: the packaged one.")
    ] = None,
    engine: Annotated[str, typer.Option(help="onnx or torch.")] = "onnx",
    split: Annotated[str, typer.Option()] = "val",
    limit: Annotated[int | None, typer.Option(help="Only the first photographs.")] = None,
    corrections: Annotated[int, typer.Option()] = 20,
    minimum_area: Annotated[int, typer.Option(help="Smaller components get no initial click (pixels).")] = 60,
    seeds: Annotated[int, typer.Option(help="Number of simulated annotators.")] = 1,
    out: Annotated[Path | None, typer.Option(help="Folder for curve.json, curve.csv and curve.png.")] = None,
) -> None:
    """Measures a model under simulated clicks."""
    samples = CcpDataset(data, split)
    parser = Parser.from_pretrained(model, samples.labels, engine=engine)
    annotator = Annotator(corrections=corrections, minimum_area=minimum_area)
    indices = range(min(limit or len(samples), len(samples)))
    curves = []
    for seed in range(seeds):
        growing = interaction_curve(parser, samples, indices, annotator, seed)
        *_, curve = track(growing, f"annotator {seed}", total=len(indices), console=console)
        curves.append(curve)
    show(curves, samples.labels.names)
    if out is not None:
        write(out, curves, parser.version, annotator)


def show(curves: list[Curve], names: tuple[str, ...]) -> None:
    """Prints the curve and the labels' IoU at its ends."""
    values = np.array([curve.mean_ious() for curve in curves])
    table = Table("corrections", "clicks per label", "mIoU", "spread", title="mIoU after corrections")
    for round_, per_label in enumerate(curves[0].clicks_per_label()):
        spread = f"{values[:, round_].std():.2f}" if len(curves) > 1 else "-"
        table.add_row(str(round_), f"{per_label:.2f}", f"{values[:, round_].mean():.2f}", spread)
    console.print(table)
    first, last = (intersection_over_union(curves[0].confusions[at]) * 100 for at in (0, -1))
    labels = Table("label", "IoU first", "IoU last", title="per label")
    for name, before, after in zip(names, first, last, strict=True):
        labels.add_row(name, f"{before:.1f}", f"{after:.1f}")
    console.print(labels)
    obeyed = sum(curve.obeyed for curve in curves) / sum(curve.clicks for curve in curves)
    console.print(f"clicks obeyed: {obeyed:.2%}")


def write(out: Path, curves: list[Curve], version: str, annotator: Annotator) -> None:
    """Writes the figures with what produced them."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    out.mkdir(parents=True, exist_ok=True)
    values = [curve.mean_ious() for curve in curves]
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    record = {
        "model": version,
        "command": shlex.join(["python", "-m", "training.evaluate", *sys.argv[1:]]),
        "commit": commit,
        "annotator": asdict(annotator),
        "photographs": len(curves[0].photographs),
        "mean_iou": values,
        "clicks_per_label": curves[0].clicks_per_label(),
        "obeyed": [curve.obeyed / curve.clicks for curve in curves],
    }
    (out / "curve.json").write_text(json.dumps(record, indent=1) + "\n")
    with (out / "curve.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["corrections", *(f"seed {seed}" for seed in range(len(curves)))])
        rows.writerows([round_, *by_seed] for round_, by_seed in enumerate(zip(*values, strict=True)))
    figure, axes = pyplot.subplots(figsize=(6, 4))
    for by_round in values:
        axes.plot(by_round, marker=".")
    axes.set(xlabel="corrections", ylabel="mIoU (%)", title=f"{version}, {len(curves[0].photographs)} photographs")
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(out / "curve.png", dpi=110)


if __name__ == "__main__":
    typer.run(main)
