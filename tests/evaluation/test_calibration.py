"""Calibration: probabilities that are known to be true, and ones that are known to boast."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from ihp_backend.evaluation.calibration import BINS, Cells, fit_temperature, plot_reliability, reliability
from ihp_backend.parsing import Parser
from ihp_backend.parsing.checkpoint import model_folder
from training import calibrate


def honest(count: int = 20_000, labels: int = 5, seed: int = 0) -> Cells:
    """Cells whose truth is drawn from the very probabilities of their logits."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(scale=2, size=(count, labels)).astype(np.float32)
    logits[rng.random((count, labels)) < 0.2] = -np.inf
    logits[:, 0] = np.maximum(logits[:, 0], -5)
    probabilities = Cells(logits, np.zeros(count, np.intp)).probabilities(1.0)
    truth = (probabilities.cumsum(1) < rng.random((count, 1))).sum(1)
    return Cells(logits, np.minimum(truth, labels - 1))


def test_honest_probabilities_are_left_as_they_are() -> None:
    cells = honest()
    assert reliability(cells).error < 0.01
    assert fit_temperature(cells) == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("temperature", [0.3, 2.5])
def test_boasting_and_modesty_are_found_out(temperature: float) -> None:
    cells = honest()
    changed = Cells((cells.logits * temperature).astype(np.float32), cells.truth)
    assert fit_temperature(changed) == pytest.approx(temperature, rel=0.04)
    assert reliability(changed).error > 0.05
    assert reliability(changed, fit_temperature(changed)).error < 0.01


def test_reliability_equals_a_loop() -> None:
    cells = honest(300)
    found = reliability(cells, 1.7)
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(BINS)]
    for row, truth in zip(cells.probabilities(1.7), cells.truth, strict=True):
        bins[min(int(row.max() * BINS), BINS - 1)].append((row.max(), row.argmax() == truth))
    error = 0.0
    for number, members in enumerate(bins):
        assert found.count[number] == len(members)
        if members:
            confidence, right = np.mean(members, axis=0)
            assert found.confidence[number] == pytest.approx(confidence)
            assert found.accuracy[number] == pytest.approx(right)
            error += abs(confidence - right) * len(members) / 300
    assert found.error == pytest.approx(error)


def test_a_model_folder_is_calibrated_in_place(ccp_tree: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(model_folder(), folder)
    before = Parser.from_pretrained(folder)
    calibrate.main(
        folder, data=ccp_tree, dataset="ccp", split="train", limit=None, corrections=2, cells=50, seed=0,
        plot=tmp_path / "reliability.png",
    )  # fmt: skip
    temperature = json.loads((folder / "model.json").read_text())["temperature"]
    assert 0.05 <= temperature <= 20
    assert temperature != 1
    assert (tmp_path / "reliability.png").stat().st_size > 1000
    after, image = Parser.from_pretrained(folder), np.random.default_rng(0).integers(0, 256, (64, 48, 3), np.uint8)
    first, second = (parser.parse(parser.open(image), []) for parser in (before, after))
    np.testing.assert_array_equal(first.label_map, second.label_map)
    assert not np.allclose(first.confidence, second.confidence)


def test_empty_bins_can_be_drawn(tmp_path: Path) -> None:
    found = reliability(honest(3))
    plot_reliability(tmp_path / "plot.png", found, found)
    assert (tmp_path / "plot.png").exists()
