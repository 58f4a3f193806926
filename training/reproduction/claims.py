"""The paper's claims held against what was measured: holds, does not hold, or cannot be said.

A claim is a difference of two means over seeds. It holds when the difference has the claimed sign and is larger
than twice its standard error, does not hold when it has the other sign and is as large, and cannot be said in between
or with fewer than two seeds a side. Two seeds a side are few: one difference in six that is due to chance alone passes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from training.reproduction.methods import METHODS, NOTHING, PART_BY_PART, SWEEP, UNSWEPT
from training.reproduction.results import Results

HOLDS, DOES_NOT, CANNOT_SAY = "holds", "does not hold", "cannot be said"

Values = Callable[[Results], Sequence[float]]


@dataclass(frozen=True)
class Claim:
    """A statement of the paper: ``larger`` is larger than ``smaller``.

    Attributes:
        text: the statement.
        source: where the paper makes it.
        larger, smaller: the values of both sides, one per seed.
    """

    text: str
    source: str
    larger: Values
    smaller: Values


@dataclass(frozen=True)
class Verdict:
    """The verdict on a claim; ``why`` gives both sides and the margin."""

    claim: Claim
    verdict: str
    why: str


def judge(claim: Claim, results: Results) -> Verdict:
    """Holds a claim against the results."""
    larger, smaller = claim.larger(results), claim.smaller(results)
    # Those of the seeds that both sides have: all first seeds are measured before any second one.
    larger, smaller = (side[: min(len(larger), len(smaller))] for side in (larger, smaller))
    if not larger or not smaller:
        return Verdict(claim, CANNOT_SAY, "not measured")
    difference = float(np.mean(larger) - np.mean(smaller))
    sides = f"{np.mean(larger):.2f} against {np.mean(smaller):.2f}"
    if min(len(larger), len(smaller)) < 2:
        return Verdict(claim, CANNOT_SAY, f"{sides}: a difference of {difference:+.2f} with one seed")
    error = float(np.sqrt(np.var(larger, ddof=1) / len(larger) + np.var(smaller, ddof=1) / len(smaller)))
    why = f"{sides}: {difference:+.2f}, twice the standard error is {2 * error:.2f}"
    if abs(difference) <= 2 * error:
        return Verdict(claim, CANNOT_SAY, why)
    return Verdict(claim, HOLDS if difference > 0 else DOES_NOT, why)


def _at(method: str, round_: int, measure: str = "mean_iou", start: str | None = None) -> Values:
    return lambda results: results.at(method, round_, measure, start)


def _gain(method: str, first: int, last: int) -> Values:
    """The gain from corrections ``first + 1`` to ``last``, of the seeds that were measured so far."""
    return lambda results: [curve[last] - curve[first] for curve in results.curves(method) if last < len(curve)]


CLAIMS: tuple[Claim, ...] = (
    Claim("central clicks lift the parsing above that without clicks", "text to Table IV",
          _at("central", 0), _at("no-clicks", 0)),
    Claim("training with central clicks is better than with random clicks only", "Table I",
          _at("central", 2), _at("random-only", 2)),
    Claim("trained with central clicks only, corrections soon gain less than with random extra clicks", "Table I, III",
          _gain("random", 0, 15), _gain("central", 0, 15)),
    Claim("random extra clicks end higher than central clicks only", "Table III",
          _at("random", 15), _at("central", 15)),
    Claim("near-edge clicks are better near edges than random ones (F1, 10 corrections)", "Table II",
          _at("near-edge", 10, "near_edge_f1"), _at("random", 10, "near_edge_f1")),
    Claim("near-edge clicks are better near edges than random ones (mIoU, 10 corrections)", "Table II",
          _at("near-edge", 10, "near_edge_mean_iou"), _at("random", 10, "near_edge_mean_iou")),
    Claim("random extra clicks are better over the whole photograph than near-edge ones", "Table III",
          _at("random", 10), _at("near-edge", 10)),
    Claim("the SP-loss helps training with random clicks", "Table III",
          _at("random-sp", 10), _at("random", 10)),
    Claim("the SP-loss helps training with near-edge clicks", "Table III",
          _at("near-edge-sp", 10), _at("near-edge", 10)),
    Claim("more extra clicks in training start lower", "Fig. 3",
          _at("random", 0), _at("random-75", 0)),
    Claim("more extra clicks in training gain more from corrections", "Fig. 3",
          _gain("random-75", 0, 20), _gain("random", 0, 20)),
    Claim("near-edge training with up to 45 clicks overtakes up to 15 (20 corrections)", "Fig. 3b",
          _at("near-edge-45", 20), _at("near-edge", 20)),
    Claim("balanced cross-entropy is better than plain", "III-D",
          _at("random", 0), _at("random-plain", 0)),
    Claim("the method is better than iDeepLab V3+ at the same number of corrections (10)", "Tables IV to VI",
          _at("random-sp", 10), _at("ideeplab", 10)),
    Claim("the method with 20 corrections is better than DEXTR", "Tables IV to VI",
          _at("random-sp", 20), _at("dextr", 0)),
    Claim("iDeepLab V3+ gets worse with more clicks under the multi-class protocol", "Fig. 4d",
          _at("ideeplab", 0), _at("ideeplab", 10)),
    Claim("iDeepLab V3+ is better under the multi-class protocol than part by part, with about as many clicks",
          "Fig. 4d", _at("ideeplab", 2), _at("ideeplab", 1, start=PART_BY_PART)),
    Claim("without initial clicks the first parsing is far worse", "Fig. 7",
          _at("random", 0), _at("random", 0, start=NOTHING)),
    Claim("starting with central clicks ends higher than starting with none", "Fig. 7",
          _at("random", 20), _at("random", 20, start=NOTHING)),
    Claim("the method is better than a watershed from the same clicks, 5 corrections", "not in the paper",
          _at("random-sp", 5), _at("watershed", 5)),
    Claim("the method is better than a watershed from the same clicks, 20 corrections", "not in the paper",
          _at("random-sp", 20), _at("watershed", 20)),
)  # fmt: skip
"""What the paper says that can be measured; the last two are ours."""

SWEEP_CLAIMS: tuple[Claim, ...] = (
    *(
        Claim(
            f"{METHODS[method].title}: better than without it (10 corrections)",
            "Table III",
            _at(method, 10),
            _at(UNSWEPT, 10),
        )
        for method in SWEEP
        if method != UNSWEPT
    ),
    Claim(
        "the SP-loss helps the live network (10 corrections)",
        "not in the paper",
        _at("live", 10),
        _at("live-no-sp", 10),
    ),
)
"""Under which settings the SP-loss helps."""
