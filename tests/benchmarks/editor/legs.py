"""A click's legs, joined from what page, recorder and backend say, and what many of them come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tests.benchmarks.editor.painting import Painting
from tests.benchmarks.editor.recorder import Exchange

LEGS = ("page", "label_studio", "recorder", "backend", "model", "painting")
"""In the order in which a click passes through them; they add up to the whole."""

GROUPS = {"browser": ("page", "painting"), "backend": ("backend",), "label_studio": ("label_studio",)}
WANTED = {"total": 250.0, "backend": 40.0}
"""Milliseconds that the median of a click should not exceed."""


@dataclass(frozen=True)
class TimedClick:
    """A click and its milliseconds.

    Attributes:
        task: number of the task, from 0.
        number: of the click on its task, from 0.
        label: that was clicked.
        labels: answered.
        legs: by name, in the order of ``LEGS``.
        stages: of the backend, from its header.
        seen: whether anything changed on the screen; otherwise nothing was left to paint.
        asked, answered: bytes of the backend's request and answer.
    """

    task: int
    number: int
    label: str
    labels: int
    legs: dict[str, float]
    stages: dict[str, float]
    seen: bool
    asked: int
    answered: int

    @property
    def total(self) -> float:
        """From the press of the mouse to the pixels."""
        return sum(self.legs.values())


def join(painting: Painting, exchange: Exchange) -> dict[str, float]:
    """The legs of a click; they add up to the time from press to pixels.

    Raises:
        ValueError: the parts do not fit into the whole.
    """
    waiting = painting.answered - painting.asked
    model = exchange.stages.get("model", 0.0)
    legs = {
        "page": painting.asked - painting.pressed,
        "label_studio": waiting - exchange.backend - exchange.recorder,
        "recorder": exchange.recorder,
        "backend": exchange.backend - model,
        "model": model,
        "painting": 0.0 if painting.painted is None else painting.painted - painting.answered,
    }
    if wrong := {name: value for name, value in legs.items() if value < 0}:
        raise ValueError(f"click {exchange.click}: {wrong} are negative; page and recorder speak of different clicks")
    return legs


def summary(clicks: Sequence[TimedClick]) -> dict[str, dict[str, Any]]:
    """Count, p50, p95 and mean of the whole, of every leg and of the browser's legs together.

    Percentiles do not add up over legs, means do.
    """
    values = {"total": [click.total for click in clicks]}
    values["browser"] = [sum(click.legs[name] for name in GROUPS["browser"]) for click in clicks]
    values |= {name: [click.legs[name] for click in clicks] for name in LEGS}
    return {name: _spread(of_leg) for name, of_leg in values.items()}


def stages(clicks: Sequence[TimedClick]) -> dict[str, dict[str, Any]]:
    """The same of the backend's own stages; a stage that a click had not counts as nothing."""
    names = list(dict.fromkeys(name for click in clicks for name in click.stages))
    return {name: _spread([click.stages.get(name, 0.0) for click in clicks]) for name in names}


def split(clicks: Sequence[TimedClick]) -> dict[str, list[TimedClick]]:
    """First clicks of a task, which also open its photograph, and later ones."""
    return {
        "first": [click for click in clicks if click.number == 0],
        "later": [click for click in clicks if click.number > 0],
    }


def as_record(click: TimedClick) -> dict[str, Any]:
    """A click for JSON."""
    return {**asdict(click), "total": click.total}


def _spread(values: Sequence[float]) -> dict[str, Any]:
    if not values:
        return {"count": 0}
    p50, p95 = np.percentile(values, [50, 95])
    return {"count": len(values), "p50": float(p50), "p95": float(p95), "mean": float(np.mean(values))}
