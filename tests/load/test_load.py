"""The load itself, in small: a real server, a few annotators, a few seconds."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.load.__main__ import EXAMPLES, Photographs, figures, load
from tests.load.annotator import Answered


def test_a_few_annotators_get_their_masks() -> None:
    row = load(3, 6, 0.2, 3, EXAMPLES, [])
    assert row["problems"] == {}
    assert row["first_ms"]["count"] >= 3  # Each annotator opened a photograph at least,
    assert row["later_ms"]["count"] >= 3  # and clicked in it again.
    assert row["all_ms"]["count"] == row["first_ms"]["count"] + row["later_ms"]["count"]
    assert row["megabytes"]["most"] > 50
    assert row["processor_ms_per_click"] > 0


def test_figures() -> None:
    answered = [
        Answered(0, 0.4, True, 0, ""),
        Answered(1, 0.1, False, 2, ""),
        Answered(2, 0.3, False, 0, "status 503"),
    ]
    assert figures(2, [*answered, Answered(61, 0.5, False, 0, "")], 70, [[1]], 0)["p95_ms_by_minute"] == [390, 500]
    row = figures(2, answered, 10, [[100, 7], [120], [110, 30], [110]], 0.6)
    assert (row["clicks_per_second"], row["refused"], row["problems"]) == (0.3, 2, {"status 503": 1})
    assert (row["all_ms"]["p50"], row["first_ms"]["p100"], row["later_ms"]["p50"]) == (300, 400, 200)
    assert row["processor_ms_per_click"] == 200
    told = {"most": 120, "second_quarter": 120, "last_quarter": 110, "all_processes": 140, "by_minute": [110]}
    assert row["megabytes"] == told
    assert math.isnan(figures(1, [], 1, [[1]], 0)["all_ms"]["p50"])


def test_every_task_has_an_address_of_its_own(tmp_path: Path) -> None:
    photographs = Photographs(EXAMPLES, "http://host")
    assert len({photographs(task).address for task in range(30)}) == 30
    with pytest.raises(ValueError, match=r"--photographs: .* has no \.jpg or \.png"):
        Photographs(tmp_path, "http://host")
