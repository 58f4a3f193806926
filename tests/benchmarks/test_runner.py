"""The benchmark runner itself: what is counted, what is compared, what is written."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.benchmarks import __main__ as runner
from tests.benchmarks.timing import Row, timed, timed_in_turn


def test_warm_up_is_not_counted_and_functions_take_turns() -> None:
    calls: list[str] = []
    rows = timed_in_turn({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, repeats=3, warm_up=2)
    assert "".join(calls) == "ab" * 5
    assert [row.name for row in rows] == ["a", "b"]
    assert timed("a", lambda: None, repeats=1, note="note").note == "note"


def test_against_says_how_many_times_faster() -> None:
    assert Row("new", 2.0).against(Row("old", 10.0)) == Row("new", 2.0, compared_to="old", ratio=5.0)


def test_a_failing_module_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> list[Row]:
        raise RuntimeError("no such machine")

    for name, measure in (("good", lambda: [Row("thing", 1.5, note="[note]")]), ("bad", fails)):
        module = ModuleType(f"tests.benchmarks.bench_{name}")
        module.measure = measure  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        (tmp_path / f"bench_{name}.py").touch()
    monkeypatch.setattr(runner, "HERE", tmp_path)
    assert runner.main(["--out", str(tmp_path / "out")]) == 1
    assert "1.500" in capsys.readouterr().out
    (file,) = (tmp_path / "out").iterdir()
    report = json.loads(file.read_text())
    assert report["failed"] == {"bad": "RuntimeError: no such machine"}
    assert report["rows"] == {
        "good": [{"name": "thing", "milliseconds": 1.5, "compared_to": None, "ratio": None, "note": "[note]"}]
    }
    assert report["machine"]["cores"] >= 1
    assert report["versions"]["numpy"]
    assert runner.main(["good", "--out", str(tmp_path / "out")]) == 0
