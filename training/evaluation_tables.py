"""Tables that measurements print: the curve, the papers' figures, behaviour, labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from ihp_backend.evaluation import Recovery
from ihp_backend.evaluation.summary import mean_and_spread


def show(console: Console, summary: dict[str, Any]) -> None:
    """Prints a summary (``ihp_backend.evaluation.summarise``)."""
    console.print(_curve(summary))
    console.print(_standards(summary))
    console.print(_number_of_clicks(summary))
    labels = Table("label", "IoU first", "IoU last", title="per label")
    for name, by_seed in summary["labels"].items():
        first, last = np.array(by_seed)[:, [0, -1]].mean(0)
        labels.add_row(name, *("-" if np.isnan(iou) else f"{iou:.1f}" for iou in (first, last)))
    console.print(labels)
    shares = {name: _mean([of[name] for of in summary["all_rounds"]]) for name in summary["all_rounds"][0]}
    console.print(f"clicks obeyed: {shares['obeyed']:.2%}; after the last round {_last(summary, 'kept'):.2%} are")
    console.print(f"pixels changed far from a correction: {shares['changed_far']:.3%}")
    console.print(f"right pixels that a correction turned wrong: {shares['damaged']:.3%}")


def show_recovery(console: Console, recoveries: Sequence[Recovery]) -> None:
    """Prints what one wrong click costs, mean over seeds."""
    table = Table("", "mIoU", title=f"a wrong click as correction {recoveries[0].round}, in percentage points")
    table.add_row("lost", f"{_mean([one.lost for one in recoveries]):.2f}")
    table.add_row("left after taking it back", f"{_mean([one.after_removing for one in recoveries]):.2f}")
    rounds = np.array([one.after_corrections for one in recoveries]).mean(0)
    for more, left in enumerate(rounds):
        table.add_row(f"behind the clean annotation after {more} more corrections", f"{left:.2f}")
    console.print(table)


def show_parsing(console: Console, figures: Mapping[str, Any]) -> None:
    """Prints what ``training.evaluate_parsing`` measured."""
    titles = {
        "pixel_accuracy": "pixel accuracy",
        "foreground_accuracy": "foreground accuracy",
        "mean_precision": 'mean precision (HHP\'s "recall")',
        "mean_recall": 'mean recall, mean accuracy (HHP\'s "precision")',
        "mean_f1": "mean of the labels' F1",
        "f1_of_means": "F1 of mean precision and mean recall",
        "mean_iou": "mIoU",
        "mean_iou_of_all_labels": "mIoU of all labels",
    }
    table = Table("measure", "%", title=f"{figures['model']}, {figures['photographs']} photographs without clicks")
    for name, title in titles.items():
        table.add_row(title, f"{figures[name]:.2f}")
    console.print(table)
    measures = ("precision", "recall", "f1", "iou")
    labels = Table("label", "precision", "recall", "F1", "IoU", title="per label")
    for name, of_label in figures["labels"].items():
        values = (of_label[measure] for measure in measures)
        labels.add_row(name, *("-" if np.isnan(value) else f"{value:.1f}" for value in values))
    console.print(labels)
    counts = figures["parameters"]
    console.print(
        f"parameters: {counts['all'] / 1e6:.3f} million, {counts['without_norm_layers'] / 1e6:.3f} without norm layers"
    )
    console.print(f"photographs per second, one at a time: {figures['photographs_per_second']:.2f}")


def _curve(summary: dict[str, Any]) -> Table:
    spread_over = len(summary["seeds"])
    title = f"mIoU after corrections, {summary['photographs']} photographs, mean of {spread_over} annotators"
    table = Table(
        "corrections", "clicks per label", "mIoU", "spread", "all labels", "near edge", "F1 there", title=title
    )
    columns = ["mean_iou", "mean_iou_of_all_labels", "near_edge_mean_iou", "near_edge_f1"]
    per_label = np.mean(summary["clicks_per_label"], 0)
    means = [mean_and_spread(summary[name])[0] for name in columns]
    spreads = mean_and_spread(summary["mean_iou"])[1]
    for round_, spread in enumerate(spreads):
        value, *others = (f"{mean[round_]:.2f}" for mean in means)
        shown = "-" if np.isnan(spread) else f"{spread:.2f}"
        table.add_row(str(round_), f"{per_label[round_]:.2f}", value, shown, *others)
    return table


def _standards(summary: dict[str, Any]) -> Table:
    table = Table("mIoU", "Add.", "Avg.", title="clicks to reach a standard, by annotator")
    for standard, by_seed in summary["additional_clicks"].items():
        add = ", ".join("never" if reached is None else str(reached["add"]) for reached in by_seed)
        avg = ", ".join("never" if reached is None else f"{reached['avg']:.2f}" for reached in by_seed)
        table.add_row(standard, add, avg)
    return table


def _number_of_clicks(summary: dict[str, Any]) -> Table:
    table = Table("own mIoU", "clicks", "corrections", "failures", title="clicks until a photograph reaches it, mean")
    for threshold, by_seed in summary["number_of_clicks"].items():
        clicks, corrections, failures = (_mean([one[name] for one in by_seed]) for name in by_seed[0])
        table.add_row(threshold, f"{clicks:.2f}", f"{corrections:.2f}", f"{failures / summary['photographs']:.1%}")
    return table


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _last(summary: dict[str, Any], name: str) -> float:
    return _mean([by_round[-1] for by_round in summary[name]])
