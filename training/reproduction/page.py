"""One HTML page with the tables, the figures, the claims and where every figure comes from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2

from training.reproduction.claims import Verdict
from training.reproduction.figures import Figure
from training.reproduction.methods import METHODS
from training.reproduction.results import Results
from training.reproduction.steps import RECORD
from training.reproduction.tables import Table


@dataclass(frozen=True)
class Run:
    """Provenance of one training and its measurement."""

    method: str
    seed: int
    commands: tuple[str, ...]
    commit: str
    machine: str


def runs(results: Results) -> list[Run]:
    """The provenance of everything that was measured."""
    found = []
    for name, method in METHODS.items():
        for seed in range(results.scale.seeds):
            file = results.folders.results / name / f"seed-{seed}" / RECORD
            if file.exists():
                record = json.loads(file.read_text())
                commands = tuple(record["commands"])
                found.append(Run(method.title, seed, commands, record["commit"], record["machine"]))
    return found


def write_page(
    path: Path,
    title: str,
    summary: str,
    tables: Sequence[Table],
    figures: Sequence[Figure],
    verdicts: Sequence[Verdict],
    provenance: Sequence[Run],
    *,
    smoke: bool = False,
) -> None:
    """Writes the page; figures are expected beside it. A page of a smoke run says that its figures mean nothing."""
    template = jinja2.Environment(autoescape=True).from_string(Path(__file__).with_suffix(".html").read_text())
    path.write_text(
        template.render(
            title=title,
            summary=summary,
            tables=tables,
            figures=figures,
            verdicts=verdicts,
            runs=provenance,
            smoke=smoke,
        )
    )
