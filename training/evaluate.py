"""The interaction protocol on a data set: ``python -m training.evaluate --dataset NAME --data DIR [--model MODEL]``.

Simulated annotators place initial clicks and then one correction after the other. Prints mIoU after each, the paper's
Add. and Avg., NoC, near-edge measures, clicks followed and calm. With ``--out`` writes them as JSON, CSV and PNG with
what produced them, and keeps every photograph's record, so that the same command goes on after an interruption.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import typer
from rich.console import Console

from ihp_backend.commands.former_options import tell_hints
from ihp_backend.datasets import ParsingDataset, in_labels_of_project, open_dataset
from ihp_backend.evaluation import Annotator, Curve, evaluate, plot_curves, provenance, recovery, summarise
from ihp_backend.evaluation.summary import write_curve, write_json, write_labels, write_measures
from ihp_backend.labels import LabelSet
from ihp_backend.parsing.checkpoint import CheckpointError
from ihp_backend.parsing.cores import available_cores
from training.dataset_options import OPTION_HELP, parsed_options
from training.evaluation_models import parser_maker
from training.evaluation_tables import show, show_recovery
from training.pre_annotated import pre_annotated

ROUNDS_AFTER = 5
"""Corrections after a wrong click during which its recovery is watched."""

console = Console()


def main(
    data: Annotated[Path, typer.Option(help="Folder of the data set.")],
    dataset: Annotated[str, typer.Option(help="Data set by name, see docs/datasets.md.")] = "ccp",
    model: Annotated[
        str | None,
        typer.Option(help="Packaged model, model folder, .ckpt, nearest or watershed; default: the packaged one."),
    ] = None,
    engine: Annotated[str, typer.Option(help="onnx or torch.")] = "onnx",
    enforce_clicks: Annotated[
        bool,
        typer.Option(
            "--enforce-clicks/--no-enforce-clicks",
            "--obedient/--no-obedient",
            help="Settle clicks that the network does not follow.",
        ),
    ] = True,
    unfiltered: Annotated[
        bool,
        typer.Option("--unfiltered", "--doubtful", help="Keep what a live network is unsure of and nobody clicked."),
    ] = False,
    labels: Annotated[
        str | None,
        typer.Option(help="As for a project with these labels, separated by commas; the others are background."),
    ] = None,
    split: Annotated[str, typer.Option()] = "val",
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first photographs.")] = None,
    corrections: Annotated[int, typer.Option(min=0)] = 20,
    seeds: Annotated[int, typer.Option(min=1, help="Number of simulated annotators.")] = 3,
    start: Annotated[str, typer.Option(help="Initial clicks: central or nothing.")] = "central",
    minimum_area: Annotated[int, typer.Option(help="Smaller components get no initial click (pixels).")] = 60,
    background_margin: Annotated[int, typer.Option(help="Of the background's initial click (pixels).")] = 10,
    off_centre: Annotated[bool, typer.Option("--off-centre", help="Click anywhere in a region.")] = False,
    jitter: Annotated[int, typer.Option(help="Miss by up to this many pixels.")] = 0,
    last_answer: Annotated[bool, typer.Option(help="Give the model its last answer as the parsing so far.")] = True,
    unseen_labels: Annotated[
        bool,
        typer.Option("--unseen-labels", "--strangers", help="Ask a live network as if it knew none of the labels."),
    ] = False,
    pre_annotations: Annotated[
        str | None, typer.Option(help="Model whose parsing without clicks stands as masks before the first click.")
    ] = None,
    wrong_click: Annotated[
        int | None, typer.Option(help="Also measure recovery from a wrong click in this round.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; default: one per core.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for figures and records.")] = None,
    option: Annotated[list[str] | None, typer.Option(help=OPTION_HELP)] = None,
) -> None:
    """Measures a model under simulated clicks."""
    began = perf_counter()
    try:
        samples: ParsingDataset = open_dataset(dataset, data, split, parsed_options(option))
        if labels is not None:
            samples = in_labels_of_project(samples, [name.strip() for name in labels.split(",") if name.strip()])
        annotator = Annotator(
            corrections=corrections,
            minimum_area=minimum_area,
            background_margin=background_margin,
            start=start,
            off_centre=off_centre,
            jitter=jitter,
            last_answer=last_answer,
        )
        erring = annotator.with_wrong_click(wrong_click, ROUNDS_AFTER) if wrong_click is not None else None
        indices = range(min(limit or len(samples), len(samples)))
        processes = workers or available_cores()
        threads = max(available_cores() // processes, 1)
        how: dict[str, Any] = {
            "engine": engine,
            "threads": threads,
            "enforce_clicks": enforce_clicks,
            "unfiltered": unfiltered,
        }
        with ExitStack() as models:
            make_parser = models.enter_context(parser_maker(model, samples.labels, unseen_labels=unseen_labels, **how))
            if pre_annotations is not None:
                automatic = models.enter_context(parser_maker(pre_annotations, samples.labels, **how))
                make_parser = partial(pre_annotated, make_parser, automatic)
            version = make_parser().version

            def run(annotator: Annotator, folder: Path | None) -> list[Curve]:
                return evaluate(
                    make_parser, samples, indices, annotator, range(seeds), processes, folder,
                    description=version, console=console,
                )  # fmt: skip

            curves = run(annotator, out)
            wrong = run(erring, out / "wrong_click" if out else None) if erring is not None else None
    except (CheckpointError, ValueError, FileNotFoundError) as error:
        raise SystemExit(f"evaluate: {error}") from None
    summary = summarise(curves, samples.labels)
    show(console, summary)
    recoveries = None
    if wrong is not None and wrong_click is not None:
        recoveries = [recovery(clean, with_it, wrong_click) for clean, with_it in zip(curves, wrong, strict=True)]
        show_recovery(console, recoveries)
    if out is not None:
        record = {
            "model": version,
            "dataset": dataset,
            "project_labels": labels,
            "split": split,
            **provenance("training.evaluate"),
            "seconds": round(perf_counter() - began, 1),
            "workers": processes,
            "obedient": enforce_clicks,
            "doubtful": unfiltered,
            "strangers": unseen_labels,
            "annotator": asdict(annotator),
            "recovery": [asdict(one) for one in recoveries] if recoveries else None,
            **summary,
        }
        write(out, record, curves, samples.labels)


def write(out: Path, record: dict[str, Any], curves: list[Curve], labels: LabelSet) -> None:
    """Writes curve.json (everything), CSVs and PNGs."""
    write_json(out / "curve.json", record)
    write_curve(out / "curve.csv", curves)
    write_measures(out / "measures.csv", curves)
    write_labels(out / "labels.csv", curves, labels)
    version, title = record["model"], f"{record['dataset']} {record['split']}, {record['photographs']} photographs"
    plot_curves(out / "curve.png", {version: record["mean_iou"]}, "mIoU (%)", f"{version}, {title}")
    near_edge = {"mIoU": record["near_edge_mean_iou"], "F1": record["near_edge_f1"]}
    plot_curves(out / "near_edge.png", near_edge, "within 5 px of an edge (%)", f"{version}, {title}")


if __name__ == "__main__":
    tell_hints(sys.argv[1:])
    typer.run(main)
