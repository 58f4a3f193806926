"""Checks the folder of a data set: ``python -m training.prepare NAME --root DIR [--option KEY=VALUE] [--json FILE]``.

Prints for each split the number of photographs beside the published one, what share of the pixels and how many
photographs every label has, how many labels and components a photograph has beside what IHP's figures imply, what was
assumed about the files and on what evidence, what an export left out and why, and names every file that cannot be used.
Ends with exit code 1 where something is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from ihp_backend.datasets import DATASETS, Fault, Report, StoredDataset, check_dataset, open_split
from ihp_backend.datasets.sample import counted
from ihp_backend.parsing.cores import available_cores
from training.ccp_crops import SPLIT, make_crops
from training.dataset_figures import COUNTS, IMPLIED
from training.dataset_options import OPTION_HELP, parsed_options

SPLITS = ("train", "val", "test")
MOST_NOTES = 20
COLUMNS = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())

console = Console()


def main(
    name: Annotated[str, typer.Argument(help=f"Data set: {', '.join(DATASETS)}.")],
    root: Annotated[Path, typer.Option(help="Its folder; for label-studio the exported JSON or its folder.")],
    split: Annotated[list[str] | None, typer.Option(help="Only this split; may be given several times.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Writes everything there as well.")] = None,
    minimum_area: Annotated[int, typer.Option(min=1, help="Smaller components get no initial click (pixels).")] = 60,
    workers: Annotated[int | None, typer.Option(min=1, help="Threads; default: one per core.")] = None,
    most_faults: Annotated[int, typer.Option(min=0, help="Faults printed per split; the JSON has all.")] = 20,
    option: Annotated[list[str] | None, typer.Option(help=OPTION_HELP)] = None,
    left_out: Annotated[bool, typer.Option("--left-out", help="Name every task that an export left out.")] = False,
    source: Annotated[
        Path | None,
        typer.Option("--from", help="Makes the folder first, from a checkout of clothing-co-parsing; for ccp only."),
    ] = None,
) -> None:
    """Checks the folder of a data set."""
    if name not in DATASETS:
        raise SystemExit(f"prepare: name: {name!r} is unknown; choose one of {', '.join(DATASETS)}")
    if source is not None:
        name = make_ccp(name, source, root)
    try:
        datasets, absent = open_splits(name, root, split, parsed_options(option))
    except ValueError as error:
        raise SystemExit(f"prepare: {error}") from None
    reports = {}
    for one, dataset in datasets.items():
        reports[one] = look_through(dataset, f"{name} {one}", minimum_area, workers or available_cores())
        show(name, one, reports[one], most_faults)
    told = {task: reason for dataset in datasets.values() for task, reason in getattr(dataset, "left_out", {}).items()}
    notes = {task: texts for dataset in datasets.values() for task, texts in getattr(dataset, "notes", {}).items()}
    show_left_out(told, notes, all_of_them=left_out)
    between = list(shared_ids(datasets))
    for reason in dict.fromkeys(absent.values()):
        say(reason, "red")
    for fault in between:
        say(str(fault), "red")
    if json_file is not None:
        record = {
            "dataset": name,
            "splits": {one: {**report.to_dict(), "published": known(name, one)} for one, report in reports.items()},
            "absent": absent,
            "left_out": told,
            "notes": {task: list(texts) for task, texts in notes.items()},
            "between_splits": [vars(fault) for fault in between],
        }
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps(record, indent=1) + "\n")
    count = sum(len(report.faults) for report in reports.values()) + len(between) + len(set(absent.values()))
    if count:
        console.print(f"[red]{count} {'fault' if count == 1 else 'faults'}[/]")
        raise typer.Exit(1)
    console.print("[green]no faults[/]")


def make_ccp(name: str, source: Path, root: Path) -> str:
    """Makes the CCP person crops; gives the data set to check then, since the 24 labels cannot be made."""
    if not name.startswith("ccp"):
        raise SystemExit(
            f"prepare: from: given for {name}; only ccp-human18 and ccp-garments are made from other files"
        )
    try:
        with Progress(*COLUMNS, TimeRemainingColumn(), console=console, transient=True) as progress:
            bar = progress.add_task("cutting out", total=sum(map(len, json.loads(SPLIT.read_text()).values())))
            count = make_crops(source, root, lambda: progress.advance(bar))
    except (OSError, ValueError) as error:
        raise SystemExit(f"prepare: {error}") from None
    say(f"{root}: {count} person crops")
    if name == "ccp":
        say("masks24 is not among them (docs/datasets.md); looking at ccp-human18", "yellow")
    return "ccp-human18" if name == "ccp" else name


def open_splits(
    name: str, root: Path, wanted: list[str] | None, options: Mapping[str, Any] | None = None
) -> tuple[dict[str, StoredDataset], dict[str, str]]:
    """The splits asked for, or all that there are; and for each that should be there and is not, why.

    Not asked for in particular, a data set needs photographs to train on and others to judge by: validation or test.
    """
    datasets: dict[str, StoredDataset] = {}
    reasons: dict[str, list[str]] = {}
    for split in wanted or [split for split in SPLITS if split in COUNTS.get(name, ("train", "val"))]:
        try:
            datasets[split] = open_split(name, root, split, options)
        except (FileNotFoundError, ValueError) as error:
            reasons.setdefault(str(error), []).append(split)
    if not wanted and "train" in datasets and len(datasets) > 1:
        reasons.clear()
    # What is wrong with the whole is said once.
    absent = {split: f"{', '.join(splits)}: {reason}" for reason, splits in reasons.items() for split in splits}
    return datasets, absent


def look_through(dataset: StoredDataset, title: str, minimum_area: int, workers: int) -> Report:
    """The report on a split, made behind a progress bar."""
    with Progress(*COLUMNS, TimeRemainingColumn(), console=console, transient=True) as progress:
        bar = progress.add_task(title, total=len(dataset))
        return check_dataset(
            dataset,
            minimum_area=minimum_area,
            workers=workers,
            progress=lambda done: progress.update(bar, completed=done),
        )


def shared_ids(datasets: Mapping[str, StoredDataset]) -> Iterator[Fault]:
    """Splits that have photographs in common: what is measured on them says nothing."""
    splits = list(datasets)
    for position, first in enumerate(splits):
        for second in splits[position + 1 :]:
            common = sorted(set(datasets[first].ids) & set(datasets[second].ids))
            if common:
                yield Fault(
                    f"{first} and {second}",
                    f"{len(common)} photographs in both ({', '.join(common[:3])}{', ...' if len(common) > 3 else ''})",
                    "take them out of one of the lists",
                )


def known(name: str, split: str) -> dict[int, str]:
    """Published numbers of photographs, and whose they are."""
    return dict(COUNTS.get(name, {}).get(split, {}))


def show(name: str, split: str, report: Report, most_faults: int) -> None:
    """Prints a report."""
    if report.photographs:
        show_numbers(name, split, report)
    else:
        say(f"{name} {split}: 0 photographs")
    for option, assumed in report.assumptions.items():
        say(f"assumed: {option}: {assumed}", "yellow")
    for fault in report.faults[:most_faults]:
        say(str(fault), "red")
    if len(report.faults) > most_faults:
        say(f"and {len(report.faults) - most_faults} more; --json FILE lists all", "red")


def show_left_out(left_out: Mapping[str, str], notes: Mapping[str, Sequence[str]], *, all_of_them: bool) -> None:
    """Prints which tasks an export left out, or what of them, and why."""
    if left_out:
        tasks = "1 task" if len(left_out) == 1 else f"{len(left_out)} tasks"
        say(f"{tasks} left out: {counted(left_out)}{'' if all_of_them else '; --left-out names them'}", "yellow")
    lines = [f"task {task}: left out, {reason}" for task, reason in left_out.items()] if all_of_them else []
    lines += [f"task {task}: {text}" for task, texts in notes.items() for text in texts]
    most = len(lines) if all_of_them else MOST_NOTES
    for line in lines[:most]:
        say(line, "yellow")
    if len(lines) > most:
        say(f"and {len(lines) - most} more; --left-out lists all", "yellow")


def say(text: str, colour: str = "default") -> None:
    """Prints a line as it is."""
    console.print(escape(text), style=colour, highlight=False, soft_wrap=True)


def show_numbers(name: str, split: str, report: Report) -> None:
    """Prints what a split holds."""
    table = Table(title=f"{name} {split}", title_justify="left")
    for column in ("id", "label", "% of pixels", "photographs"):
        table.add_column(column, justify="left" if column == "label" else "right")
    share = 100 * report.pixels / max(int(report.pixels.sum()), 1)
    for label, label_name in enumerate(report.labels.names):
        table.add_row(str(label), label_name, f"{share[label]:.3f}", f"{report.photographs_with[label]:,}")
    console.print(table)
    console.print(f"{report.photographs:,} photographs{against_published(name, split, report.photographs)}")
    implied = IMPLIED.get(name, {}).get(split)
    console.print(
        f"labels per photograph, background included (K): {report.labels_per_photograph:.2f}; with a component of "
        f"{report.minimum_area} px or more: {report.clickable_labels_per_photograph:.2f}"
        + (f"; IHP's figures imply {implied.labels}" if implied else ""),
        soft_wrap=True,
    )
    console.print(
        f"components of parts per photograph: {report.components_per_photograph:.2f}; initial clicks: "
        f"{report.initial_clicks_per_photograph:.2f}"
        + (f"; IHP's figures imply {implied.initial_clicks}" if implied and implied.initial_clicks else ""),
        soft_wrap=True,
    )
    total = int(report.pixels.sum()) + report.ignored
    console.print(f"pixels to be ignored: {100 * report.ignored / max(total, 1):.3f} %")


def against_published(name: str, split: str, count: int) -> str:
    """Comparison of a number of photographs with the published ones, in words."""
    published = known(name, split)
    if not published:
        return ""
    if count in published:
        return f" ({published[count]})"
    others = "; ".join(f"{number:,} {whose}" for number, whose in published.items())
    return f" [yellow](not a published number: {escape(others)})[/]"


if __name__ == "__main__":
    typer.run(main)
