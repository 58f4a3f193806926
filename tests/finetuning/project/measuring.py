"""What a model is worth to the project: the interaction protocol on CCP val photographs that no job ever sees."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from ihp_backend.datasets import ParsingDataset, open_dataset
from ihp_backend.evaluation import Annotator, Curve, evaluate
from ihp_backend.finetuning.model_comparison import NOBODY
from ihp_backend.parsing.cores import available_cores
from tests.finetuning.project.labels import ProjectDataset
from training.evaluation_models import parser_maker

PATIENT = Annotator(corrections=30, last_answer=False)
"""Clicks as the server is clicked, which does not give a model its last answer."""

OF_BASE = Annotator(corrections=5, last_answer=False)

CLICKS_PER_LABEL, STANDARD = 3.0, 85.0


@dataclass(frozen=True)
class Measured:
    """One model on the project's labels and on its own.

    Attributes:
        unclicked: mIoU (%) without a click.
        clicked: mIoU (%) at ``CLICKS_PER_LABEL``, the initial clicks included, straight between two rounds.
        corrections: mean number until a photograph's own mIoU is ``STANDARD`` %; see ``NumberOfClicks``.
        failures: photographs that never got there.
        base_unclicked: mIoU (%) of the base model's labels without a click.
        base_clicked: the same after the initial clicks and the corrections of ``OF_BASE``.
    """

    unclicked: float
    clicked: float
    corrections: float
    failures: int
    base_unclicked: float
    base_clicked: float

    def to_json(self) -> dict[str, Any]:
        """For the file."""
        return asdict(self)


def measure(model: str | None, data: Path, photographs: int, folder: Path, console: Console) -> Measured:
    """Measures a model; the same call goes on after an interruption.

    Args:
        model: model folder, packaged model, or None for the packaged default.
        data: folder of the CCP person crops.
        photographs: of the val split, spread evenly over it.
        folder: for the records.
        console: where progress bars are drawn.
    """
    own, base = ProjectDataset(data, "val"), open_dataset("ccp", data, "val")
    chosen = np.linspace(0, len(own) - 1, min(photographs, len(own))).round().astype(int).tolist()

    def run(dataset: ParsingDataset, annotator: Annotator, name: str) -> Curve:
        records = folder / name
        records.mkdir(parents=True, exist_ok=True)
        with parser_maker(model, dataset.labels, threads=1) as make_parser:
            (curve,) = evaluate(
                make_parser, dataset, chosen, annotator, [0], available_cores(), records,
                description=f"measuring, {name}", console=console,
            )  # fmt: skip
        return curve

    clicked = run(own, PATIENT, "clicked")
    of_photographs = clicked.number_of_clicks(STANDARD)
    return Measured(
        unclicked=run(own, NOBODY, "unclicked").mean_ious()[0],
        clicked=float(np.interp(CLICKS_PER_LABEL, clicked.clicks_per_label(), clicked.mean_ious())),
        corrections=of_photographs.corrections,
        failures=of_photographs.failures,
        base_unclicked=run(base, NOBODY, "base-unclicked").mean_ious()[0],
        base_clicked=run(base, OF_BASE, "base-clicked").mean_ious()[-1],
    )
