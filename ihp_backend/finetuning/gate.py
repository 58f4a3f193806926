"""The gate: a candidate takes the place of the model in service only if it is proven better and harms nothing.

Both models annotate the same photographs under the same simulated annotator. What speaks for the candidate must hold
in nearly all drawings of other photographs from the same project (paired bootstrap over photographs); what must not
get worse is compared directly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from math import isfinite
from typing import Any

from ihp_backend.evaluation import Record
from ihp_backend.evaluation.bootstrap import (
    ROUNDS,
    Both,
    Drawn,
    Measure,
    corrections,
    mean_iou_after,
    mean_ious,
    paired_bootstrap,
    unclicked_mean_iou,
)


@dataclass(frozen=True)
class GateRules:
    """Rules of the gate.

    Attributes:
        least_photographs: held out; with fewer nothing can be said.
        confidence: how sure it must be that a candidate is better in anything. What is left to chance is shared among
            the measures that may show it (Bonferroni): with three, one of them must hold in 96.7 % of the drawings
            for 0.9, since each of them may do so by luck.
        click_loss: percentage points of mIoU under clicks that it may lose at most, where it is better without them.
        more_corrections: that it may seem to need for a photograph, where it is better without a click. Accepted masks
            lean towards the model that helped to draw them, by so much (docs/fine-tuning.md).
        base_loss: percentage points of mIoU that it may lose at most on the base validation, after any number of
            ``ROUNDS`` corrections.
        obeyed: share of the clicks that it must obey.
        slower: how many times as long a click may take.
        drawings: of the bootstrap.
        seed: of the drawings.
    """

    least_photographs: int = 10
    confidence: float = 0.9
    click_loss: float = 0.5
    more_corrections: float = 0.5
    base_loss: float = 1.0
    obeyed: float = 0.999
    slower: float = 1.1
    drawings: int = 2000
    seed: int = 0


RULES = GateRules()


@dataclass(frozen=True)
class Comparison:
    """A measure of both models, compared.

    Attributes:
        measure: in words.
        before, after: of the model in service and of the candidate.
        better: share of the bootstrap samples in which the candidate is better; None if none were drawn.
        passed: what the gate says to it.
    """

    measure: str
    before: float
    after: float
    better: float | None
    passed: bool


@dataclass(frozen=True)
class Verdict:
    """Verdict of the gate.

    Attributes:
        passed: whether the candidate may serve.
        reason: in a sentence.
        proofs: one of these must pass.
        conditions: all of these must pass.
        photographs: held out.
    """

    passed: bool
    reason: str
    proofs: tuple[Comparison, ...]
    conditions: tuple[Comparison, ...]
    photographs: int

    def to_json(self) -> dict[str, Any]:
        """The JSON object for the gate report."""
        return asdict(self)


def judge(
    held_out: Both,
    base: Both,
    milliseconds: tuple[float, float],
    rules: GateRules = RULES,
    unclicked: Both = ([], []),
) -> Verdict:
    """Holds a candidate against the model in service.

    Args:
        held_out: records of both on the project's held-out photographs, photograph by photograph.
        base: the same on the base validation; empty where there is none.
        milliseconds: a click of both, measured in turn.
        rules: how strict.
        unclicked: records of both on the held-out photographs without a click, as pre-annotations are; empty where that
            was not tried.
    """
    count = len(held_out[0])
    if count < rules.least_photographs:
        reason = (
            f"{count} photographs are held out, {rules.least_photographs} are needed to tell better from worse; "
            "annotate more, or let it serve unjudged with ihp models promote"
        )
        return Verdict(False, reason, (), (), count)

    def drawn(of: Measure, records: Both, *, larger_is_better: bool = True, allowed: float = 0.0) -> Drawn:
        return paired_bootstrap(
            of, records, rules.drawings, rules.seed, larger_is_better=larger_is_better, allowed=allowed
        )

    needed = drawn(corrections, held_out, larger_is_better=False, allowed=rules.more_corrections)
    measures = {
        "corrections to 85 % of a photograph": needed,
        "mean mIoU (%) after 0, 3 and 5 corrections": drawn(mean_ious, held_out),
    }
    alone = drawn(unclicked_mean_iou, unclicked) if unclicked[0] else None
    if alone is not None:
        measures["mIoU (%) without a click"] = alone
    certainty = 1 - (1 - rules.confidence) / len(measures)
    proofs = [
        Comparison(measure, of.before, of.after, of.better, of.better >= certainty) for measure, of in measures.items()
    ]
    of_needed, of_clicks, *of_alone = proofs
    obeyed = [_share(records, "obeyed", "given") for records in held_out]
    conditions = [
        Comparison("share of clicks obeyed", obeyed[0], obeyed[1], None, obeyed[1] >= rules.obeyed),
        Comparison(
            "milliseconds a click",
            milliseconds[0],
            milliseconds[1],
            None,
            milliseconds[1] <= rules.slower * milliseconds[0],
        ),
    ]
    if alone is not None:
        kept = of_clicks.after >= of_clicks.before - rules.click_loss
        conditions.append(replace(of_clicks, better=None, passed=kept))
        # A gain before anybody clicks must not cost clicks, nor the other way round: a model that learns from masks of
        # other photographs follows clicks whatever they say, and no longer sees what photographs show.
        conditions.append(replace(of_needed, passed=needed.worse < rules.confidence))
        conditions.append(replace(of_alone[0], passed=alone.worse < rules.confidence))
    for round_ in ROUNDS if base[0] else ():
        old, new = (mean_iou_after(round_, records) for records in base)
        conditions.append(
            Comparison(
                f"base validation, mIoU (%) after {round_} corrections", old, new, None, new >= old - rules.base_loss
            )
        )
    unknown = [one.measure for one in (*proofs, *conditions) if not (isfinite(one.before) and isfinite(one.after))]
    if unknown:
        reason = f"not finite: {', '.join(dict.fromkeys(unknown))}; nothing can be said of a model without numbers"
        return Verdict(False, reason, tuple(proofs), tuple(conditions), count)
    failed = [condition.measure for condition in conditions if not condition.passed]
    if failed:
        return Verdict(False, f"worse: {', '.join(failed)}", tuple(proofs), tuple(conditions), count)
    proven = [proof for proof in proofs if proof.passed]
    if not proven:
        reason = f"not proven better: {max(proof.better or 0 for proof in proofs):.0%} of the drawings at best"
        return Verdict(False, reason, tuple(proofs), tuple(conditions), count)
    best = max(proven, key=lambda proof: proof.better or 0)
    reason = f"better: {best.measure} from {best.before:.2f} to {best.after:.2f}, in {best.better:.0%} of the drawings"
    return Verdict(True, reason, tuple(proofs), tuple(conditions), count)


def _share(records: Sequence[Record], part: str, whole: str) -> float:
    """The share of one count in another over all photographs and rounds; 1 of none."""
    count, of = (sum(int(getattr(record, name).sum()) for record in records) for name in (part, whole))
    return count / of if of else 1.0
