"""The interaction protocol with parsers whose answers are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ihp_backend.evaluation import Annotator, ClickParser, Curve, Record, annotate, evaluate, recovery
from ihp_backend.evaluation.tally import FAR
from ihp_backend.parsing import Parse
from tests.evaluation.stand_ins import Believing, Columns, Obstinate, Perfect, Remembering


def run(parser: ClickParser, annotator: Annotator, seed: int = 0) -> Curve:
    samples = Columns()
    (curve,) = evaluate(lambda: parser, samples, range(len(samples)), annotator, [seed])
    return curve


def test_a_perfect_parser_needs_no_corrections() -> None:
    curve = run(Perfect(), Annotator(corrections=5))
    assert curve.mean_ious() == [100] * 6
    # Three parts and the background, one click each; rounds in which nothing is wrong count no click.
    assert curve.clicks_per_label() == [1] * 6
    assert curve.sums["given"].tolist() == [16, 0, 0, 0, 0, 0]
    assert curve.additional_clicks(100) == 0
    assert curve.number_of_clicks(90).failures == 0
    assert curve.number_of_clicks(90).corrections == 0
    # The label that never occurs is not held against it, unless one wants to.
    assert curve.mean_ious_of_all_labels()[0] == pytest.approx(80)


@pytest.mark.parametrize("last_answer", [True, False])
def test_the_last_answer_is_given_where_wanted(last_answer: bool) -> None:
    given = []

    class Watching(Obstinate):
        def parse(self, scene: Any, clicks: Any, previous: Any = None, last: Any = None) -> Parse:
            given.append((len(clicks), None if last is None else (last.label_map.tolist(), len(last.clicks))))
            return super().parse(scene, clicks, previous)

    annotator = Annotator(corrections=3, wrong_click=2, last_answer=last_answer)
    annotate(Watching(), Columns()[0], annotator, 0, 0)
    nothing = np.zeros((90, 60), np.uint8).tolist()
    # The third time again after the wrong click was taken back; the answer to it no longer stands.
    wanted = [(4, None), (5, (nothing, 4)), (6, (nothing, 5)), (5, (nothing, 6)), (7, (nothing, 5))]
    assert given == (wanted if last_answer else [(clicks, None) for clicks, _ in wanted])


def test_an_obstinate_parser_gains_nothing_and_is_found_out() -> None:
    curve = run(Obstinate(), Annotator(corrections=4))
    assert len(set(curve.mean_ious())) == 1
    assert curve.additional_clicks(75) is None
    assert curve.number_of_clicks(85).failures == 4
    # Only clicks on the background come true, and nobody needs to correct background.
    assert curve.shares("obeyed", "given") == [1 / 4, 0, 0, 0, 0]
    assert curve.shares("kept", "standing")[-1] == pytest.approx(1 / 8)
    assert curve.clicks_per_label() == pytest.approx([1, 5 / 4, 6 / 4, 7 / 4, 2])
    assert curve.share("changed_far", "far") == curve.share("damaged", "right") == 0


def test_corrections_help_a_parser_that_listens() -> None:
    curve = run(Remembering(), Annotator(corrections=15))
    ious = curve.mean_ious()
    assert ious[-1] > ious[0] + 5
    assert curve.near_edge_ious()[-1] > curve.near_edge_ious()[0]
    assert curve.share("obeyed", "given") == 1
    assert curve.shares("kept", "standing")[-1] == 1


def test_everything_is_counted_as_slow_counting_does() -> None:
    """Every count of a record against the parser's own memory of what it was asked and what it said."""
    sample = Columns()[2]
    parser = Remembering()
    record = annotate(parser, sample, Annotator(corrections=6), seed=3, index=2)
    counted = sample.parsing != 255
    before = None
    for round_, (clicks, answer, last) in enumerate(parser.answers):
        confusion = np.zeros((5, 5), int)
        np.add.at(confusion, (sample.parsing[counted], answer[counted]), 1)
        np.testing.assert_array_equal(record.confusions[round_], confusion)
        assert record.standing[round_] == len(clicks)
        assert record.kept[round_] == sum(answer[click.y, click.x] == click.label for click in clicks)
        if before is None:
            assert last is None
        else:
            assert last is not None
            np.testing.assert_array_equal(last.label_map, before)
            click = clicks[-1]
            assert record.given[round_] == 1
            assert sample.parsing[click.y, click.x] == click.label != before[click.y, click.x]
            rows, columns = np.mgrid[: answer.shape[0], : answer.shape[1]]
            far = np.hypot(rows - click.y, columns - click.x) > FAR
            assert record.far[round_] == far.sum() > 0
            assert record.changed_far[round_] == (far & (before != answer)).sum()
            right = (before == sample.parsing) & counted
            assert record.right[round_] == right.sum()
            assert record.damaged[round_] == (right & (answer != sample.parsing)).sum()
        before = answer
    assert len(parser.answers) == 7
    assert record.labels_present == 4
    assert [tuple(row[1:4]) for row in record.clicks] == [(c.x, c.y, c.label) for c in parser.answers[-1][0]]
    assert record.clicks[:, 0].tolist() == [0] * record.given[0] + list(range(1, 7))


def test_a_start_from_nothing_has_corrections_only() -> None:
    parser = Remembering()
    record = annotate(parser, Columns()[0], Annotator(corrections=3, start="nothing"), seed=0, index=0)
    assert [len(clicks) for clicks, _, _ in parser.answers] == [0, 1, 2, 3]
    assert record.given.tolist() == [0, 1, 1, 1]


def test_an_unsteady_hand_aims_alike_and_misses_a_little() -> None:
    sample = Columns()[0]
    steady, unsteady = (
        annotate(Obstinate(), sample, Annotator(corrections=3, jitter=jitter), 0, 0).clicks for jitter in (0, 4)
    )
    missed = np.hypot(*(steady - unsteady)[:, 1:3].T)
    # Obstinate answers alike, so all initial clicks are aimed alike; later ones avoid other pixels.
    assert 0 < missed[:4].max() <= 4
    np.testing.assert_array_equal(steady[:4, 3], unsteady[:4, 3])


def test_off_centre_clicks_lie_nearer_to_edges() -> None:
    def depth(annotator: Annotator) -> float:
        """Mean distance of the initial clicks on parts from their part's left and right edges."""
        records = [annotate(Obstinate(), Columns()[0], annotator, seed, 0) for seed in range(30)]
        clicks = np.concatenate([record.clicks for record in records])
        columns = clicks[(clicks[:, 3] > 0) & (clicks[:, 0] == 0), 1]
        return float(np.minimum(columns - 14, 45 - columns).mean())

    assert depth(Annotator(corrections=0, off_centre=True)) < depth(Annotator(corrections=0)) - 1


def test_a_wrong_click_costs_what_it_costs() -> None:
    annotator = Annotator(corrections=6)
    clean, wrong = (run(Believing(), one) for one in (annotator, annotator.with_wrong_click(1, 3)))
    found = recovery(clean, wrong, 1)
    assert len(wrong.mean_ious()) == 5
    assert found.lost > 0
    # Believing has no memory: without the wrong click it answers as before it.
    assert found.after_removing == pytest.approx(0)
    assert len(found.after_corrections) == 4
    assert found.after_corrections[0] == pytest.approx(clean.mean_ious()[1] - wrong.mean_ious()[1])
    assert found.after_corrections[-1] < found.after_corrections[0]


def test_a_seed_decides_everything() -> None:
    def records(seed: int) -> Record:
        return annotate(Remembering(), Columns()[1], Annotator(corrections=4), seed, 1)

    first, again, other = records(1), records(1), records(2)
    assert first.to_bytes() == again.to_bytes()
    assert (first.clicks != other.clicks).any()


def test_a_record_survives_its_file() -> None:
    record = annotate(Remembering(), Columns()[0], Annotator(corrections=2), 0, 0)
    back = Record.from_bytes(record.to_bytes())
    assert back.to_bytes() == record.to_bytes()
    np.testing.assert_array_equal(back.confusions, record.confusions)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"start": "extreme"}, "start: 'extreme' is unknown; choose one of central, nothing"),
        ({"candidates": 0}, "candidates: 0 given; at least 1 needed"),
        ({"corrections": -1}, "corrections: -1 given; at least 0 needed"),
        ({"corrections": 3, "wrong_click": 4}, "wrong_click: round 4 given; choose one of the rounds 1 to 3"),
    ],
)
def test_impossible_annotators(fields: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Annotator(**fields)
