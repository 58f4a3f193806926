"""Recovery: the cost of one wrong click, and the rest of it after the click is taken back or corrected."""

from __future__ import annotations

from dataclasses import dataclass

from ihp_backend.evaluation.confusion import mean_iou
from ihp_backend.evaluation.curve import Curve


@dataclass(frozen=True)
class Recovery:
    """mIoU in percentage points over the data set.

    Attributes:
        round: in which the wrong click was made.
        lost: how far mIoU fell below the round before.
        after_removing: how far it still is below that round once the wrong click has been removed again.
        after_corrections: how far it is below the annotation without a wrong click, in the same round and after each
            of the next corrections, the wrong click standing all the while.
    """

    round: int
    lost: float
    after_removing: float
    after_corrections: list[float]


def recovery(clean: Curve, wrong: Curve, round_: int) -> Recovery:
    """Compares two runs of the same photographs and seed, of which one has a wrong click in ``round_``."""
    without, with_it = clean.mean_ious(), wrong.mean_ious()
    before = with_it[round_ - 1]
    return Recovery(
        round=round_,
        lost=before - with_it[round_],
        after_removing=before - mean_iou(wrong.sums["without_wrong_click"]),
        after_corrections=[a - b for a, b in zip(without[round_:], with_it[round_:], strict=False)],
    )
