"""Makes the papers' tables and figures: ``python -m training.reproduce TARGET --scale ccp --data DIR --out DIR``.

TARGET is table1 ... table6, fig3, fig4, fig7 or losses of "Clicking Matters", rpr1 ... rpr9, ssl or today of automatic
parsers (parsers for all of these), or all. ablations and unseen are about the live network, semantic-perceiving about
the settings of the SP-loss, and own about methods of yours (``--method mine.yaml``). What is missing is trained and
measured, what is there is taken; then every table is written as CSV, every figure as PNG, and all of them as one HTML
page. Interrupt it at any time: the same command goes on where it was.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ihp_backend.datasets import open_dataset
from training.reproduction import records
from training.reproduction.claims import CLAIMS, SWEEP_CLAIMS, Verdict, judge
from training.reproduction.figures import FIGURES, Figure
from training.reproduction.gallery import gallery
from training.reproduction.jobs import Job, Seconds, Work
from training.reproduction.methods import read_method
from training.reproduction.page import Run, runs, write_page
from training.reproduction.parser_claims import PARSER_CLAIMS
from training.reproduction.parser_tables import PARSER_TABLES
from training.reproduction.results import Results
from training.reproduction.runner import Timings, ended_together
from training.reproduction.scales import Scale, parser_scales, scales
from training.reproduction.smoke import draw_data
from training.reproduction.steps import Folders, steps
from training.reproduction.tables import TABLES, Table
from training.reproduction.targets import PARSER_TARGETS, compare_own, needs, parsers_wanted, wanted

console = Console()


def main(
    target: Annotated[
        str,
        typer.Argument(
            help="table1 ... table6, fig3, fig4, fig7, losses; rpr1 ... rpr9, ssl, today, starts, parsers; all; "
            "ablations, unseen, semantic-perceiving; own."
        ),
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
        asked = [(one, wanted(target, one.dataset, one.name)) for one in scales(scale)]
        asked += [(one, parsers_wanted(target, one)) for one in parser_scales(scale)]
    except ValueError as error:
        raise SystemExit(f"reproduce: {error}") from None
    pages: dict[Path, list[Part]] = {}
    for one, names in asked:
        if names:
            folder = out / one.dataset if scale == "full" else out
            sized, folders = _sized(one, training_steps, seeds), _folders(one, folder, results, data, weights)
            if not report:
                _make(names, sized, folders, parallel)
            pages.setdefault(folder, []).append(_part(names, sized, folders, folder))
            _report(pages[folder], folder, smoke=scale == "smoke")


def _sized(scale: Scale, training_steps: int | None, seeds: int | None) -> Scale:
    return replace(scale, steps=training_steps or scale.steps, seeds=seeds or scale.seeds)


def _folders(scale: Scale, folder: Path, results: Path | None, data: Path | None, weights: str | None) -> Folders:
    if weights is not None and not Path(weights).is_file() and not re.fullmatch(r"[\w-]+", weights):
        raise SystemExit(f"reproduce: weights: {weights} does not exist; give a file, or a name such as imagenet")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SystemExit(f"reproduce: out: {folder} cannot be written to ({error.strerror}); give another") from None
    if data is None:
        if scale.name != "smoke":
            raise SystemExit("reproduce: --data is missing; give the folder of the data set (see docs/datasets.md)")
        data = draw_data(folder / "data")
    elif scale.name == "full":
        data = data / scale.dataset
    return Folders(data, folder / "work", results or folder / "results", weights)


def _make(names: tuple[str, ...], scale: Scale, folders: Folders, parallel: int) -> None:
    """Trains and measures what the targets need, the first seed of everything before the second of anything."""
    try:
        data = records.fingerprint(open_dataset(scale.dataset, folders.data, "val"))
    except (FileNotFoundError, ValueError) as error:
        raise SystemExit(f"reproduce: {error}") from None
    jobs: list[Job] = []
    for seed in range(scale.seeds):
        for method, starts in needs(names):
            records.check(folders, method, seed, scale)
            if missing := tuple(steps(method, seed, starts, scale, folders)):
                jobs.append(Job(method, seed, missing))

    def keep(job: Job, seconds: Seconds) -> None:
        records.write(folders, job.method, job.seed, scale, job.steps, seconds, data)

    with ended_together():
        Work(jobs, Timings(folders.work / "timings.json"), parallel, keep, console).run()


@dataclass(frozen=True)
class Part:
    """A part of a page: the tables, figures and claims of one data set and one kind of method."""

    summary: str
    tables: list[Table]
    figures: list[Figure]
    verdicts: list[Verdict]
    runs: list[Run]


def _part(names: tuple[str, ...], scale: Scale, folders: Folders, folder: Path) -> Part:
    """Writes the tables and figures of what is there."""
    results = Results(folders, scale)
    makers = TABLES | PARSER_TABLES
    tables = [makers[name](results) for name in names if name in makers]
    figures = [FIGURES[name](results, folder) for name in names if name in FIGURES]
    if "fig4" in names:
        figures.append(gallery(results, folder, open_dataset(scale.dataset, folders.data, "val")))
    for table in tables:
        table.write(folder)
    swept = "semantic-perceiving" in names
    parsers = any(name in PARSER_TARGETS for name in names)
    claims = SWEEP_CLAIMS if swept else PARSER_CLAIMS if parsers else CLAIMS
    verdicts = [judge(claim, results) for claim in claims]
    seeds = f"up to {scale.seeds} seeds; mean ± standard deviation"
    return Part(f"{scale.dataset}, {scale.steps} training steps, {seeds}.", tables, figures, verdicts, runs(results))


def _report(parts: list[Part], folder: Path, *, smoke: bool) -> None:
    """Writes the page of what is there."""
    page = folder / "index.html"
    tables, figures = (
        [table for part in parts for table in part.tables],
        [one for part in parts for one in part.figures],
    )
    verdicts = [verdict for part in parts for verdict in part.verdicts]
    provenance = list(dict.fromkeys(run for part in parts for run in part.runs))
    summary = " ".join(part.summary for part in parts)
    write_page(page, "Human parsing, reproduced", summary, tables, figures, verdicts, provenance, smoke=smoke)
    for verdict in parts[-1].verdicts:
        console.print(f"{verdict.verdict:>15}  {verdict.claim.text} [dim]({verdict.why})[/]", soft_wrap=True)
    console.print(f"written: {page}")


if __name__ == "__main__":
    typer.run(main)
