"""The items of an answer to ``/predict``: one for each task, in the order of the tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ihp_backend.label_studio.masks.regions import mean_score
from ihp_backend.label_studio.problems import Problem

_MOST_OTHERS = 19


@dataclass(frozen=True)
class Attempt:
    """Outcome of a task: its item, and what kept it from being answered.

    Attributes:
        item: its answer.
        failure: why it could not be answered; None if it was.
        lost: photographs of an answered task that could not be opened, so that their regions are missing.
    """

    item: dict[str, Any]
    failure: Problem | None
    lost: tuple[Problem, ...] = ()


class OutOfTime(Exception):
    """Time is up: it is too late to begin with a task."""


def item_of(version: str, results: list[dict[str, Any]], problems: Sequence[Problem]) -> dict[str, Any]:
    """The item of an answered task: model_version, score, result and, with problems, error."""
    item: dict[str, Any] = {"model_version": version, "score": mean_score(results), "result": results}
    return {**item, "error": _error(problems)} if problems else item


def unanswered(version: str, *problems: Problem) -> dict[str, Any]:
    """The item of a task of a batch at which nobody looked: there was no time, or none of its photographs opened.

    It has no ``result``. Label Studio 1.23.2 stores every ``result``, also an empty one, as a prediction of this
    version, and does not ask for the task again while the version serves. An item without it is written into Label
    Studio's log, with its error, and nothing is stored: the task is asked for again.
    """
    return {"model_version": version, "error": _error(problems)}


def _error(problems: Sequence[Problem]) -> dict[str, Any]:
    error: dict[str, Any] = dict(problems[0].to_json())
    if len(problems) > 1:
        error["others"] = [other.to_json() for other in problems[1 : _MOST_OTHERS + 1]]
    return error
