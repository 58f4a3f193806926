"""The items of an answer to ``/predict``: one for each task, in the order of the tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ihp_backend.label_studio.masks.regions import mean_score
from ihp_backend.label_studio.problems import Problem

_MOST_OTHERS = 19


class OutOfTime(Exception):
    """It is too late to begin with a task."""


def item_of(version: str, results: list[dict[str, Any]], problems: Sequence[Problem]) -> dict[str, Any]:
    """The item of an answered task: model_version, score, result and, with problems, error."""
    item: dict[str, Any] = {"model_version": version, "score": mean_score(results), "result": results}
    if problems:
        item["error"] = problems[0].to_json()
        if len(problems) > 1:
            item["error"]["others"] = [other.to_json() for other in problems[1 : _MOST_OTHERS + 1]]
    return item


def unanswered(version: str, problem: Problem) -> dict[str, Any]:
    """The item of a task that nobody has looked at yet.

    It has no ``result``. Label Studio 1.23.2 stores every ``result``, also an empty one, as a prediction of this
    version, and does not ask for the task again while the version serves. An item without it is written into Label
    Studio's log, with its error, and nothing is stored: the task is asked for again.
    """
    return {"model_version": version, "error": problem.to_json()}
