"""The sheet of the worst photographs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from ihp_backend.datasets import CcpDataset
from ihp_backend.evaluation import Annotator, Watershed, annotate
from ihp_backend.evaluation.confusion import mean_iou
from training.picture_sheet import answers
from training.worst import main

app = typer.Typer()
app.command()(main)


def test_the_worst_ones_are_drawn_and_named(ccp_tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "worst.png"
    arguments = ["--data", ccp_tree, "--model", "watershed", "--out", out, "--corrections", 3, "--after", 1]
    shown = CliRunner().invoke(app, [str(argument) for argument in (*arguments, "--count", 2)])
    assert shown.exit_code == 0, shown.output
    samples = CcpDataset(ccp_tree, "val")
    parser = Watershed(samples.labels)
    records = [annotate(parser, samples[n], Annotator(corrections=3), 0, n) for n in range(len(samples))]
    worst = min(mean_iou(record.confusions[1]) for record in records)
    assert f"{min(2, len(samples))} photographs, their mIoU from {worst:.1f}" in " ".join(shown.output.split())
    assert Image.open(out).size[0] > 300


def test_what_is_drawn_is_what_was_measured(ccp_tree: Path) -> None:
    samples = CcpDataset(ccp_tree, "val")
    parser, annotator = Watershed(samples.labels), Annotator(corrections=4)
    first, last = answers(parser, samples[0], 0, annotator, (0, 4))
    again = answers(parser, samples[0], 0, annotator, (4,))
    np.testing.assert_array_equal(last, again[0])
    assert (first != last).any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--after", "5", "--corrections", "3"], "after: 5 given"),
        (["--model", "nonsense"], "model: 'nonsense'"),
        (["--dataset", "zoo"], "dataset: 'zoo'"),
    ],
)
def test_says_what_does_not_fit(ccp_tree: Path, tmp_path: Path, arguments: list[str], message: str) -> None:
    refused = CliRunner().invoke(app, ["--data", str(ccp_tree), "--out", str(tmp_path / "w.png"), *arguments])
    assert refused.exit_code == 1
    assert message in " ".join(str(refused.output).split())
