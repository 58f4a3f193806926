"""The command that measures without clicks: what it prints, writes, resumes and refuses."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from torch import nn
from typer.testing import CliRunner, Result

from ihp_backend.datasets import open_dataset
from ihp_backend.evaluation import confusion_matrix, mean_iou
from ihp_backend.networks import build_network
from ihp_backend.parsing import Parser
from ihp_backend.parsing.checkpoint import read_checkpoint
from ihp_backend.parsing.despeckle import despeckle
from training.evaluate_parsing import count_parameters, main

command = typer.Typer()
command.command()(main)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


@pytest.mark.parametrize("model", ["ccp-deeplab", "ccp-live"])
def test_measures_what_the_server_would_answer(ccp_tree: Path, tmp_path: Path, model: str) -> None:
    arguments = ["--data", ccp_tree, "--model", model, "--workers", 1, "--out", tmp_path]
    assert run(*arguments, "--limit", 1).exit_code == 0
    done = run(*arguments)
    assert done.exit_code == 0, done.output
    for part in ("pixel accuracy", "F1 of mean precision and mean recall", "per label", "without norm layers"):
        assert part in done.output
    samples, parser = open_dataset("ccp", ccp_tree, "val"), Parser.from_pretrained(model)
    confusion = np.zeros((24, 24), np.int64)
    for index in range(len(samples)):
        label_map = parser.parse(parser.open(samples[index].image), []).label_map
        despeckle(label_map, [])
        confusion += confusion_matrix(samples[index].parsing, label_map, 24)
    record = json.loads((tmp_path / "figures.json").read_text())
    assert record["photographs"] == len(samples) == 2
    assert record["confusion"] == confusion.tolist()
    assert record["mean_iou"] == pytest.approx(mean_iou(confusion))
    assert record["as_named_by_hhp"]["mean_precision"] == record["mean_recall"] == record["mean_accuracy"]
    assert record["photographs_per_second"] > 0
    assert record["command"].startswith("python -m training.evaluate_parsing")
    with (tmp_path / "labels.csv").open() as file:
        rows = {row["label"]: row for row in csv.DictReader(file)}
    assert list(rows) == list(samples.labels.names)
    assert int(rows["coat"]["pixels"]) == confusion[samples.labels.id_of("coat")].sum()
    for name in ("confusion.png", "labels.png"):
        assert min(Image.open(tmp_path / name).size) > 300


def test_averages_are_measured_and_kept_apart(ccp_tree: Path, tmp_path: Path) -> None:
    arguments = ["--data", ccp_tree, "--model", "ccp-deeplab", "--workers", 1, "--limit", 1, "--out", tmp_path]
    assert run(*arguments, "--flip", "--scales", "0.75,1").exit_code == 0
    assert json.loads((tmp_path / "figures.json").read_text())["model"].endswith(", scales 0.75, 1, mirrored")
    refused = run(*arguments)
    assert refused.exit_code == 1
    assert "give another folder" in " ".join(refused.output.split())


@pytest.mark.parametrize("model", ["ccp-deeplab", "ccp-live"])
def test_parameters_are_counted_as_torch_counts_them(model: str) -> None:
    checkpoint = read_checkpoint(model)
    network = build_network(checkpoint.network)
    norms = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d | nn.GroupNorm | nn.LayerNorm)]
    counted = sum(one.numel() for one in network.parameters())
    in_norms = sum(one.numel() for layer in norms for one in layer.parameters())
    assert in_norms > 0
    assert count_parameters(checkpoint) == {"all": counted, "without_norm_layers": counted - in_norms}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "nonsense"], "model: 'nonsense' is neither a packaged model"),
        (["--model", "watershed"], "model: 'watershed' is neither a packaged model"),
        (["--model", "absent.ckpt"], "checkpoint: absent.ckpt does not exist"),
        (["--split", "night"], "split: 'night' does not exist"),
        (["--dataset", "zoo"], "dataset: 'zoo' is unknown"),
        (["--flip"], "is a live network, which has no probabilities of all labels to average"),
        (["--model", "ccp-deeplab", "--scales", "1;2"], "scales: '1;2' given; give numbers separated by commas"),
        (["--model", "ccp-deeplab", "--scales", "0"], "scales: [0.0] given; give one or more from 0.25 to 4"),
    ],
)
def test_says_what_does_not_fit(ccp_tree: Path, arguments: list[str], message: str) -> None:
    refused = run("--data", ccp_tree, "--workers", 1, *arguments)
    assert refused.exit_code == 1
    assert message in " ".join(str(refused.output).split())
