"""Table, CSV and curves of what the seeds gave."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from ihp_backend.evaluation import plot_curves
from tests.finetuning.project.run import result_file

COLUMNS = {
    "unclicked": "mIoU (%) without a click",
    "clicked": "mIoU (%) at 3 clicks per label",
    "corrections": "corrections to 85 %",
    "failures": "photographs that never got there",
    "base_unclicked": "own labels of the base model, mIoU (%) without a click",
    "base_clicked": "the same after 5 corrections",
}


def show(out: Path, accepted: Sequence[int], seeds: int, console: Console) -> None:
    """Prints what is there and writes ``results.csv`` and PNGs."""
    steps = [*map(str, sorted(accepted)), "shuffled"]
    found = {
        step: [json.loads(file.read_text()) for seed in range(seeds) if (file := result_file(out, seed, step)).exists()]
        for step in steps
    }
    rows = [_row(step, results) for step, results in found.items() if results]
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*row.values())
    console.print(table)
    with (out / "results.csv").open("w", newline="") as written:
        lines = csv.DictWriter(written, rows[0])
        lines.writeheader()
        lines.writerows(rows)
    numbers = sorted(accepted)
    whole = [seed for seed in range(seeds) if all(result_file(out, seed, str(number)).exists() for number in numbers)]
    for name, title in COLUMNS.items():
        curves = [
            [json.loads(result_file(out, seed, str(number)).read_text())["measured"][name] for number in numbers]
            for seed in whole
        ]
        if curves:
            plot_curves(
                out / f"{name}.png", {"in service": curves}, title, "What a project gains from its own work",
                xlabel="accepted photographs", positions={"in service": numbers},
            )  # fmt: skip


def _row(step: str, results: Sequence[dict[str, Any]]) -> dict[str, str]:
    held = [result for result in results if "state" in result]
    row = {"accepted": step}
    row |= {title: _spread([result["measured"][name] for result in results]) for name, title in COLUMNS.items()}
    row["minutes of the fine-tuning job"] = _spread([result["minutes"] for result in held])
    row["promoted"] = f"{sum(result['state'] == 'promoted' for result in held)} of {len(held)}" if held else ""
    return row


def _spread(values: Sequence[float]) -> str:
    """Mean and standard deviation over seeds."""
    if not values:
        return ""
    deviation = f" ± {np.std(values, ddof=1):.1f}" if len(values) > 1 else ""
    return f"{np.mean(values):.1f}{deviation}"
