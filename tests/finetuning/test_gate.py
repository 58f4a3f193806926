"""The gate lets through what is better, holds back what is not, and says why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from ihp_backend.evaluation import Record
from ihp_backend.finetuning.gate import GateRules, judge

ROUNDS = 6
QUICK = GateRules(drawings=300)


def records(share_right: Sequence[float], count: int = 30, obeyed: int = 9, seed: int = 0) -> list[Record]:
    """Photographs of which about so large a share is right after 0, 1, 2, ... corrections; some are harder."""
    rng = np.random.default_rng(seed)
    made = []
    for hardness in rng.normal(0, 0.03, count):
        confusions = np.zeros((ROUNDS, 3, 3), np.int32)
        for round_, share in enumerate(share_right):
            right = round(1000 * float(np.clip(share + hardness, 0, 1)))
            confusions[round_] = np.diag([right] * 3) + np.roll(np.diag([1000 - right] * 3), 1, axis=1)
        counts = np.full(ROUNDS, 10)
        nothing = np.zeros(ROUNDS, np.int64)
        given = {"given": counts, "obeyed": np.full(ROUNDS, obeyed + 1), "standing": counts, "kept": counts}
        other = dict.fromkeys(("far", "changed_far", "right", "damaged"), nothing)
        made.append(
            Record(confusions, confusions, confusions[0], **given, **other, labels_present=np.array(3),
                   clicks=np.zeros((0, 5), np.int32))
        )  # fmt: skip
    return made


def rising(start: float, step: float = 0.02) -> list[float]:
    return [start + step * round_ for round_ in range(ROUNDS)]


GOOD, BETTER = records(rising(0.85)), records(rising(0.89))
SAME_SPEED = (10.0, 10.0)


def test_a_better_one_passes() -> None:
    verdict = judge((GOOD, BETTER), (GOOD, GOOD), SAME_SPEED, QUICK)
    assert verdict.passed
    assert verdict.reason.startswith("better: ")
    corrections, iou = verdict.proofs
    assert corrections.after < corrections.before
    assert iou.after > iou.before
    assert corrections.better == iou.better == 1


def test_the_same_model_does_not() -> None:
    verdict = judge((GOOD, GOOD), (GOOD, GOOD), SAME_SPEED, QUICK)
    assert not verdict.passed
    assert verdict.reason == "not proven better: 0% of the drawings at best"


def test_chance_alone_does_not_pass() -> None:
    one, other = (records(rising(0.85), seed=seed) for seed in (1, 2))
    passed = [judge(both, ([], []), SAME_SPEED, QUICK).passed for both in ((one, other), (other, one))]
    assert passed.count(True) <= 1


def test_three_chances_leave_no_more_to_luck_than_one() -> None:
    """Of models that are equally good one in ten passes; with nine of ten drawings for each measure one in four did."""
    passed, seeds = 0, range(100)
    for seed in seeds:
        one, other, few, more = (
            records(quality, seed=1000 * number + seed)
            for number, quality in enumerate((rising(0.83), rising(0.83), [0.4], [0.4]))
        )
        verdict = judge((one, other), ([], []), SAME_SPEED, replace(QUICK, click_loss=100), (few, more))
        passed += verdict.passed
        assert all(
            proof.passed == (proof.better >= 1 - 0.1 / 3) for proof in verdict.proofs if proof.better is not None
        )
    assert 0 < passed <= 0.14 * len(seeds)


def test_a_bad_batch_is_rejected() -> None:
    shuffled = records(rising(0.6, 0.01))
    assert not judge((GOOD, shuffled), (GOOD, shuffled), SAME_SPEED, QUICK).passed


def test_better_without_a_click_passes_unless_clicks_lose() -> None:
    few, more = records([0.3]), records([0.5])
    verdict = judge((GOOD, GOOD), ([], []), SAME_SPEED, QUICK, (few, more))
    assert verdict.passed
    assert verdict.reason.startswith("better: mIoU (%) without a click")
    worse = judge((GOOD, records(rising(0.84))), ([], []), SAME_SPEED, QUICK, (few, more))
    assert not worse.passed
    assert worse.reason.startswith("worse: mean mIoU (%) after 0, 3 and 5 corrections")
    later = records([0.85, 0.87, 0.89, 0.91, 0.915, 0.95])  # The same after 0, 3 and 5 corrections.
    assert judge((GOOD, later), ([], []), SAME_SPEED, QUICK, (few, more)).passed  # 0.3 corrections more.
    costly = judge((GOOD, later), ([], []), SAME_SPEED, replace(QUICK, more_corrections=0), (few, more))
    assert not costly.passed
    assert costly.reason == "worse: corrections to 85 % of a photograph"
    assert not judge((GOOD, GOOD), ([], []), SAME_SPEED, QUICK, (more, few)).passed


def test_better_with_clicks_passes_unless_it_knows_less_without() -> None:
    few, more = records([0.3]), records([0.5])
    assert judge((GOOD, BETTER), ([], []), SAME_SPEED, QUICK, (more, more)).passed
    enforce_clicks = judge((GOOD, BETTER), ([], []), SAME_SPEED, QUICK, (more, few))
    assert not enforce_clicks.passed
    assert enforce_clicks.reason == "worse: mIoU (%) without a click"


@pytest.mark.parametrize(
    ("base", "candidate", "milliseconds", "named"),
    [
        (records(rising(0.8)), BETTER, SAME_SPEED, "base validation, mIoU (%) after 0 corrections"),
        (GOOD, records(rising(0.89), obeyed=8), SAME_SPEED, "share of clicks obeyed"),
        (GOOD, BETTER, (10.0, 11.5), "milliseconds a click"),
    ],
)
def test_what_must_not_get_worse(
    base: list[Record], candidate: list[Record], milliseconds: tuple[float, float], named: str
) -> None:
    verdict = judge((GOOD, candidate), (GOOD, base), milliseconds, QUICK)
    assert not verdict.passed
    assert verdict.reason.startswith("worse: ")
    assert named in verdict.reason
    assert next(condition.measure for condition in verdict.conditions if not condition.passed) == named


def test_a_little_may_be_lost_on_the_base() -> None:
    verdict = judge((GOOD, BETTER), (GOOD, records(rising(0.848))), (10.0, 10.9), QUICK)
    assert verdict.passed, verdict.reason


def test_with_few_photographs_it_waits() -> None:
    verdict = judge((GOOD[:9], BETTER[:9]), (GOOD, GOOD), SAME_SPEED, QUICK)
    assert not verdict.passed
    assert verdict.reason.startswith("9 photographs are held out, 10 are needed")
    assert "ihp models promote" in verdict.reason


def test_drawings_depend_on_the_seed_alone() -> None:
    noisy = records(rising(0.855), seed=3)
    first, again, other = (
        judge((GOOD, noisy), ([], []), SAME_SPEED, replace(QUICK, seed=seed)).to_json() for seed in (0, 0, 1)
    )
    assert first == again
    assert first["photographs"] == other["photographs"]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("of", ["milliseconds", "base", "unclicked"])
def test_what_is_no_number_lets_nothing_through(of: str, value: float, monkeypatch: pytest.MonkeyPatch) -> None:
    milliseconds = (value, value) if of == "milliseconds" else SAME_SPEED
    if of == "base":
        monkeypatch.setattr("ihp_backend.finetuning.gate.mean_iou_after", lambda *_: value)
    if of == "unclicked":
        monkeypatch.setattr(
            "ihp_backend.finetuning.gate.unclicked_mean_iou", lambda records, weights: np.full(len(weights), value)
        )
    verdict = judge((GOOD, BETTER), (GOOD, GOOD), milliseconds, QUICK, (GOOD, GOOD))
    assert not verdict.passed
    assert verdict.reason.startswith("not finite: ")
    assert "nothing can be said of a model without numbers" in verdict.reason
