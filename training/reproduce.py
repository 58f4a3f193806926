"""Makes the paper's tables and figures: ``python -m training.reproduce TARGET --scale ccp --data DIR --out DIR``.

TARGET is table1 ... table6, fig3, fig4, fig7, losses or all; ablations and unseen are about the live network, and own
about methods of yours (``--method mine.yaml``). What is missing is trained and measured, what is there is
taken; then every table is written as CSV, every figure as PNG, and all of them as one HTML page. Interrupt it at any
time: the same command goes on where it was.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ihp_backend.datasets import open_dataset
from training.reproduction import records
from training.reproduction.claims import CLAIMS, judge
from training.reproduction.figures import FIGURES
from training.reproduction.gallery import gallery
from training.reproduction.jobs import Job, Seconds, Work
from training.reproduction.methods import read_method
from training.reproduction.page import runs, write_page
from training.reproduction.results import Results
from training.reproduction.runner import Timings
from training.reproduction.scales import Scale, scales
from training.reproduction.smoke import draw_data
from training.reproduction.steps import Place, steps
from training.reproduction.tables import TABLES
from training.reproduction.targets import compare_own, needs, wanted

console = Console()


def main(
    target: Annotated[
        str, typer.Argument(help="table1 ... table6, fig3, fig4, fig7, losses or all; ablations, unseen; own.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for trainings, figures, tables and the page.")],
    scale: Annotated[str, typer.Option(help="full (the paper's), ccp (hours on a CPU) or smoke (minutes).")] = "ccp",
    data: Annotated[
        Path | None,
        typer.Option(help="Folder of the data set; at the full scale the folder that holds lip, cihp, ..."),
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="File with pretrained weights of the encoder, or imagenet: fetched from a hub.")
    ] = None,
    training_steps: Annotated[int | None, typer.Option("--steps", min=1, help="Of every training.")] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="Trainings per method.")] = None,
    results: Annotated[Path | None, typer.Option(help="Folder of what was measured; default: in --out.")] = None,
    method: Annotated[
        list[Path] | None, typer.Option(help="YAML file of a method of yours, for the target own; once for each.")
    ] = None,
    parallel: Annotated[int, typer.Option(min=1, help="Trainings side by side; the cores are shared out.")] = 1,
    report: Annotated[
        bool, typer.Option("--report", help="Train nothing; tables and figures of what is there.")
    ] = False,
) -> None:
    """Trains what is missing, measures it, and writes tables, figures and the page."""
    try:
        if method:
            compare_own([read_method(file) for file in method])
        chosen = [_sized(one, training_steps, seeds) for one in scales(scale)]
        targets = [wanted(target, one.dataset, one.name) for one in chosen]
    except ValueError as error:
        raise SystemExit(f"reproduce: {error}") from None
    for one, names in zip(chosen, targets, strict=True):
        if names:
            folder = out / one.dataset if scale == "full" else out
            place = _place(one, folder, results, data, weights)
            if not report:
                _make(names, one, place, parallel)
            _report(names, one, place, folder)


def _sized(scale: Scale, training_steps: int | None, seeds: int | None) -> Scale:
    return replace(scale, steps=training_steps or scale.steps, seeds=seeds or scale.seeds)


def _place(scale: Scale, folder: Path, results: Path | None, data: Path | None, weights: str | None) -> Place:
    if weights is not None and not Path(weights).is_file() and not re.fullmatch(r"[\w-]+", weights):
        raise SystemExit(f"reproduce: weights: {weights} does not exist; give a file, or a name such as imagenet")
    folder.mkdir(parents=True, exist_ok=True)
    if data is None:
        if scale.name != "smoke":
            raise SystemExit("reproduce: --data is missing; give the folder of the data set (see docs/datasets.md)")
        data = draw_data(folder / "data")
    elif scale.name == "full":
        data = data / scale.dataset
    return Place(data, folder / "work", results or folder / "results", weights)


def _make(names: tuple[str, ...], scale: Scale, place: Place, parallel: int) -> None:
    """Trains and measures what the targets need, the first seed of everything before the second of anything."""
    try:
        data = records.fingerprint(open_dataset(scale.dataset, place.data, "val"))
    except (FileNotFoundError, ValueError) as error:
        raise SystemExit(f"reproduce: {error}") from None
    jobs: list[Job] = []
    for seed in range(scale.seeds):
        for method, starts in needs(names):
            records.check(place, method, seed, scale)
            if missing := tuple(steps(method, seed, starts, scale, place)):
                jobs.append(Job(method, seed, missing))

    def keep(job: Job, seconds: Seconds) -> None:
        records.write(place, job.method, job.seed, scale, job.steps, seconds, data)

    Work(jobs, Timings(place.work / "timings.json"), parallel, keep, console).run()


def _report(names: tuple[str, ...], scale: Scale, place: Place, folder: Path) -> None:
    """Writes the tables, the figures and the page of what is there."""
    results = Results(place, scale)
    tables = [TABLES[name](results) for name in names if name in TABLES]
    figures = [FIGURES[name](results, folder) for name in names if name in FIGURES]
    if "fig4" in names:
        figures.append(gallery(results, folder, open_dataset(scale.dataset, place.data, "val")))
    for table in tables:
        table.write(folder)
    verdicts = [judge(claim, results) for claim in CLAIMS]
    summary = f"{scale.dataset}, {scale.steps} training steps, up to {scale.seeds} seeds; mean ± standard deviation."
    page = folder / "index.html"
    title, smoke = "Clicking Matters, reproduced", scale.name == "smoke"
    write_page(page, title, summary, tables, figures, verdicts, runs(results), smoke=smoke)
    for verdict in verdicts:
        console.print(f"{verdict.verdict:>15}  {verdict.claim.text} [dim]({verdict.why})[/]", soft_wrap=True)
    console.print(f"written: {page}")


if __name__ == "__main__":
    typer.run(main)
