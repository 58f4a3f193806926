"""Measuring part by part goes on after an interruption, and leaves what tables can read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from ihp_backend.evaluation.part_curve import PartCurve
from ihp_backend.labels import LabelSet
from training.evaluate_parts import _measure, figures, main


class Interruption(Exception):
    pass


def curve_of(indices: Sequence[int], broken: int | None = None) -> Iterator[PartCurve]:
    """One growing curve of two rounds; photograph ``broken`` is where somebody pulls the plug."""
    curve = PartCurve.empty(2, 3)
    for index in indices:
        if index == broken:
            raise Interruption
        parsing = np.random.default_rng(index).integers(0, 3, (8, 8)).astype(np.uint8)
        curve.add(str(index), parsing, [(np.zeros_like(parsing), 2), (parsing, 4)])
        yield curve


def test_an_interrupted_measurement_goes_on_to_the_same_figures(tmp_path: Path) -> None:
    partial = tmp_path / "x.partial"
    whole = _measure(curve_of, range(4), partial, "x")
    assert not partial.exists()
    with pytest.raises(Interruption):
        _measure(lambda indices: curve_of(indices, broken=2), range(4), partial, "x")
    partial.write_text(partial.read_text() + '{"confusions": [[')  # A line that was cut off.
    resumed = _measure(curve_of, range(4), partial, "x")
    assert resumed.photographs == whole.photographs == ["0", "1", "2", "3"]
    np.testing.assert_array_equal(resumed.confusions, whole.confusions)
    assert resumed.clicks_per_label() == whole.clicks_per_label()


def test_figures_have_the_names_that_tables_read() -> None:
    *_, curve = curve_of(range(3))
    shown = figures(curve, LabelSet(("background", "hat", "coat")))
    assert shown["mean_iou"][0][1] == pytest.approx(100)
    assert shown["clicks_per_label"] == [[pytest.approx(6 / 9), pytest.approx(12 / 9)]]
    assert shown["labels"]["hat"][0] == [0, pytest.approx(100)]


def test_a_missing_checkpoint_is_named(ccp_tree: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"evaluate_parts: checkpoint: .*last.ckpt"):
        main(tmp_path / "run" / "checkpoints" / "last.ckpt", data=ccp_tree, out=tmp_path)
