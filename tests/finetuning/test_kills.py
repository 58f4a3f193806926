"""A handful of the kills that ``python -m tests.finetuning.kills`` deals out by the hundred."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.finetuning.kills import run


@pytest.mark.parametrize("engine", ["SQLite", "PostgreSQL"])
def test_nothing_is_lost_whatever_is_killed(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    database = request.getfixturevalue("postgresql").text("kills") if engine == "PostgreSQL" else ""
    counted = run(kills=6, seed=1, folder=tmp_path, database=database)
    assert counted["events acknowledged"] > 10
    assert counted["events recorded"] >= counted["events acknowledged"]
    assert counted["versions promoted"] > 0
