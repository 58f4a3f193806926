"""Runs over a data set: interrupted and resumed, in one process and in several."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from ihp_backend.datasets import Sample
from ihp_backend.evaluation import Annotator, Curve, NearestClick, evaluate, summarise
from ihp_backend.labels import LabelSet
from tests.evaluation.stand_ins import LABELS, Columns, Perfect

ANNOTATOR = Annotator(corrections=4)
MAKE = partial(NearestClick, LABELS)


class Interrupted(Columns):
    """Somebody presses Ctrl-C after a few photographs; every one counts how often it was read."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after, self.read = after, 0

    def __getitem__(self, index: int) -> Sample:
        if self.read == self.after:
            raise KeyboardInterrupt
        self.read += 1
        return super().__getitem__(index)


def figures(curves: list[Curve]) -> str:
    return json.dumps(summarise(curves, LABELS)) + str([curve.photographs for curve in curves])


def whole(workers: int = 1, folder: Path | None = None) -> str:
    return figures(evaluate(MAKE, Columns(), range(4), ANNOTATOR, [0, 1], workers, folder))


def test_an_interrupted_run_goes_on_to_the_same_figures(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        evaluate(MAKE, Interrupted(after=5), range(4), ANNOTATOR, [0, 1], 1, tmp_path)
    rest = Interrupted(after=3)  # Of 8 readings 5 are done; a fourth would be an interruption.
    curves = evaluate(MAKE, rest, range(4), ANNOTATOR, [0, 1], 1, tmp_path)
    assert rest.read == 3
    assert figures(curves) == whole()


def test_the_number_of_workers_changes_nothing(tmp_path: Path) -> None:
    assert whole(workers=2, folder=tmp_path) == whole(workers=1)


def test_more_photographs_and_seeds_join_what_is_there(tmp_path: Path) -> None:
    evaluate(MAKE, Columns(), range(2), ANNOTATOR, [0], 1, tmp_path)
    rest = Interrupted(after=6)
    assert figures(evaluate(MAKE, rest, range(4), ANNOTATOR, [0, 1], 1, tmp_path)) == whole()


@pytest.mark.parametrize(
    ("make", "samples", "annotator", "message"),
    [
        (partial(Perfect, LABELS), Columns(), ANNOTATOR, "model = nearest-click, now it is stand-in"),
        (MAKE, Columns(5), ANNOTATOR, r"dataset = 4 photographs, .* now it is 5 photographs"),
        (MAKE, Columns(), Annotator(corrections=5), "annotator.corrections = 4, now it is 5"),
        (MAKE, Columns(), Annotator(corrections=4, jitter=3), "annotator.jitter = 0, now it is 3"),
    ],
)
def test_other_settings_are_not_mixed_in(tmp_path: Path, make, samples, annotator, message: str) -> None:  # type: ignore[no-untyped-def]
    evaluate(MAKE, Columns(), range(2), ANNOTATOR, [0], 1, tmp_path)
    with pytest.raises(ValueError, match=rf"{message}.*; give another folder, or delete the file to start anew"):
        evaluate(make, samples, range(2), annotator, [0], 1, tmp_path)


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=r"out: \S*file cannot be written to .* give another folder"):
        evaluate(MAKE, Columns(), range(2), ANNOTATOR, [0], 1, tmp_path / "file")


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "records.sqlite").write_bytes(b"nonsense" * 1000)
    with pytest.raises(ValueError, match=r"records: .*records\.sqlite cannot be read .*; delete it"):
        evaluate(MAKE, Columns(), range(2), ANNOTATOR, [0], 1, tmp_path)


def test_a_parser_of_other_labels_is_refused_before_anything_runs() -> None:
    other = partial(NearestClick, LabelSet(("background", "tail")))
    with pytest.raises(
        ValueError, match="labels: the model speaks background, tail; the data set has background, head"
    ):
        evaluate(other, Interrupted(after=0), range(4), ANNOTATOR, [0])


@pytest.mark.parametrize("workers", [1, 2])
def test_a_broken_photograph_is_named(workers: int) -> None:
    with pytest.raises(ValueError, match="photograph person 2: label id 3 found, but the label set ends at 2"):
        evaluate(partial(NearestClick, FEWER), Broken(), range(4), ANNOTATOR, [0], workers)


FEWER = LabelSet(LABELS.names[:3])


class Broken(Columns):
    """One photograph has a label that the label set does not."""

    labels = FEWER

    def __getitem__(self, index: int) -> Sample:
        sample = super().__getitem__(index)
        if index != 2:
            sample.parsing[sample.parsing == 3] = 0
        return sample
