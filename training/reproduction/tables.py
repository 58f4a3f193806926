"""The paper's tables with our figures beside the printed ones."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from training.reproduction import paper_figures as published
from training.reproduction import parser_papers
from training.reproduction.methods import METHODS, UNSEEN
from training.reproduction.results import Results, spread_text
from training.reproduction.targets import OWN, PARSER_TARGETS, TARGETS

SAME_EFFORT = 20
"""Corrections at which the paper compares itself with others: its headline Avg. decodes to 20 of them on LIP."""


@dataclass(frozen=True)
class Table:
    """A finished table.

    Attributes:
        name: of its CSV file.
        title: what it shows.
        columns, rows: text, the first column names the row.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def write(self, folder: Path) -> Path:
        """Writes the CSV file."""
        path = folder / f"{self.name}.csv"
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([self.columns, *self.rows])
        return path


def table1(results: Results) -> Table:
    """Table I: trained with central clicks only and with random clicks only."""
    rounds = published.TABLE_1_ROUNDS
    rows = _beside(results, published.TABLE_1, "mean_iou", rounds)
    return Table("table1", "mIoU (%) after so many corrections", ("trained with", *map(str, rounds)), rows)


def table2(results: Results) -> Table:
    """Table II: near the edges, trained with random and with near-edge extra clicks."""
    rounds = published.TABLE_2_ROUNDS
    rows = [
        (f"{name}: {row[0]}", *row[1:])
        for name, measure, printed in (
            ("F1", "near_edge_f1", published.TABLE_2_F1),
            ("mIoU", "near_edge_mean_iou", published.TABLE_2_MEAN_IOU),
        )
        for row in _beside(results, printed, measure, rounds)
    ]
    title = "within 5 pixels of the edges between parts (%), after so many corrections"
    return Table("table2", title, ("trained with", *map(str, rounds)), tuple(rows))


def table3(results: Results) -> Table:
    """Table III: corrections (Add.) and clicks per label (Avg.) until mIoU reaches a standard."""
    dataset = published.compared(results.scale.dataset)
    printed = published.TABLE_3.get(dataset, {})
    columns = ["trained with", f"paper ({published.TITLES[dataset]}, {published.STANDARDS[dataset]} %)"]
    columns += [f"Add. / Avg. at {standard:g} %" for standard in results.scale.standards]
    rows = []
    for method in ("central", "near-edge", "near-edge-sp", "random", "random-sp"):
        cells = [_add_and_avg([printed[method]] if method in printed else [])]
        cells += [_add_and_avg(results.at_standard(method, standard)) for standard in results.scale.standards]
        rows.append((METHODS[method].title, *cells))
    return Table("table3", "corrections and clicks per label to reach a standard", tuple(columns), tuple(rows))


def table_of_labels(results: Results, name: str) -> Table:
    """Tables IV to VI: IoU of every label, ours after 20 corrections, beside the baselines and automatic parsers."""
    dataset = published.compared(results.scale.dataset)
    printed = published.TABLES_4_TO_6[dataset]
    methods = ("no-clicks", "nearest", "watershed", "ideeplab", "dextr", "central", "random", "random-sp")
    measured = {method: results.seeds(method) for method in methods}
    measured = {method: seeds for method, seeds in measured.items() if seeds}
    labels = tuple(next(iter(measured.values()))[0]["labels"]) if measured else ()
    columns = (
        "method",
        "corrections",
        "clicks per label",
        "mIoU",
        f"paper's mIoU ({published.TITLES[dataset]})",
        *labels,
    )
    rows = _of_parsers(results, labels)
    for method, seeds in measured.items():
        free = method == "no-clicks"
        clicks = [] if free else [_last(figures["clicks_per_label"][0]) for figures in seeds]
        values = [_last(figures["mean_iou"][0]) for figures in seeds]
        by_label = [[_last(figures["labels"][label][0]) for figures in seeds] for label in labels]
        paper = f"{printed[method][0]:.2f}" if method in printed else "-"
        corrections = str(min(SAME_EFFORT, len(seeds[0]["mean_iou"][0]) - 1))
        cells = [spread_text(ious, 1) for ious in by_label]
        rows.append((METHODS[method].title, corrections, spread_text(clicks), spread_text(values), paper, *cells))
    return Table(name, "IoU of every label (%) after the corrections given", columns, tuple(rows))


def _of_parsers(results: Results, labels: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Rows of automatic parsers that were measured on these labels, which the paper sets above those with clicks."""
    printed = parser_papers.LIP if results.scale.dataset == "lip" else {}
    rows = []
    for method, _ in PARSER_TARGETS["rpr1"]:
        seeds = results.seeds(method)
        if not seeds or tuple(seeds[0]["labels"]) != labels:
            continue
        paper = printed[method][-1] if method in printed else None
        by_label = [[figures["labels"][label]["iou"] for figures in seeds] for label in labels]
        cells = [spread_text(ious, 1) for ious in by_label]
        mean = spread_text(results.values(method, "mean_iou"))
        rows.append((METHODS[method].title, "0", "-", mean, "-" if paper is None else f"{paper:.2f}", *cells))
    return rows


def by_corrections(results: Results, target: str) -> Table:
    """Table of a target's methods: what the parts of the live network give, or what methods of one's own reach."""
    rounds = (0, 1, 3, 5, 10, 20)
    rows = []
    for method, starts in TARGETS[target]:
        for start in starts:
            how = "" if start == METHODS[method].start else f", {start}"
            cells = (spread_text(results.at(method, round_, start=start), 1) for round_ in rounds)
            rows.append((f"{METHODS[method].title}{how}", *cells))
    return Table(target, "mIoU (%) after so many corrections", ("method", *map(str, rounds)), tuple(rows))


def unseen(results: Results) -> Table:
    """Labels that a network never saw, beside the same labels where it was trained on them."""
    rounds = (0, 5, 20)
    rows = []
    for third, names in enumerate(UNSEEN):
        for method in (f"live-unseen-{third}", "live"):
            of_names = [
                [
                    float(np.nanmean([_of_label(figures, name, round_) for name in names]))
                    for figures in results.seeds(method)
                ]
                for round_ in rounds
            ]
            seen = "seen" if method == "live" else "never seen"
            rows.append((", ".join(names), seen, *(spread_text(values, 1) for values in of_names)))
    title = "mean IoU (%) of the labels after so many corrections"
    return Table("unseen", title, ("labels", "in training", *map(str, rounds)), tuple(rows))


def _of_label(figures: dict[str, Any], name: str, round_: int) -> float:
    iou = figures["labels"][name][0][round_]
    return float("nan") if iou is None else iou


def _last(by_round: Sequence[float]) -> float:
    return by_round[min(SAME_EFFORT, len(by_round) - 1)]


def _beside(
    results: Results, printed: Mapping[str, Sequence[float]], measure: str, rounds: Sequence[int]
) -> tuple[tuple[str, ...], ...]:
    rows = []
    for method, values in printed.items():
        title = METHODS[method].title
        rows.append((f"{title}, paper (LIP)", *(f"{value:.2f}" for value in values)))
        rows.append((f"{title}, here", *(spread_text(results.at(method, round_, measure)) for round_ in rounds)))
    return tuple(rows)


def _add_and_avg(seeds: Sequence[tuple[int, float] | None]) -> str:
    if not seeds:
        return "-"
    return ", ".join("never" if reached is None else f"{reached[0]} / {reached[1]:.2f}" for reached in seeds)


TABLES: dict[str, Callable[[Results], Table]] = {
    "table1": table1,
    "table2": table2,
    "table3": table3,
    "table4": lambda results: table_of_labels(results, "table4"),
    "table5": lambda results: table_of_labels(results, "table5"),
    "ablations": lambda results: by_corrections(results, "ablations"),
    "semantic-perceiving": lambda results: by_corrections(results, "semantic-perceiving"),
    OWN: lambda results: by_corrections(results, OWN),
    "unseen": unseen,
    "table6": lambda results: table_of_labels(results, "table6"),
}
"""Tables by name."""
