"""Numbers that are none: the error with which trainings of every kind end at the first NaN or infinity."""

from __future__ import annotations

from collections.abc import Sequence


class NotFiniteError(ValueError):
    """A training whose loss, weights or answers are no longer finite; the text says what, where and what to do."""


def of_step(step: int, photographs: Sequence[str], rate: float) -> str:
    """A step in words.

    Args:
        step: counted from 0 as in the log.
        photographs: ids of those that were looked at in it.
        rate: its largest learning rate.
    """
    seen = list(dict.fromkeys(photographs))
    shown = f"photograph{'s' if len(seen) > 1 else ''} {', '.join(seen)}"
    return f"step {step} ({shown}; learning rate {rate:.3g})"
