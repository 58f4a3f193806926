"""A handful of the kills that ``python -m tests.finetuning.kills`` deals out by the hundred."""

from __future__ import annotations

from pathlib import Path

from tests.finetuning.kills import run


def test_nothing_is_lost_whatever_is_killed(tmp_path: Path) -> None:
    counted = run(kills=6, seed=1, folder=tmp_path)
    assert counted["events acknowledged"] > 10
    assert counted["events recorded"] >= counted["events acknowledged"]
    assert counted["versions promoted"] > 0
