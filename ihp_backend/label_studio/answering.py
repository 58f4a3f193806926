"""answer_all: the tasks of a request in, one item each out, in their order."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from ihp_backend.label_studio.batches import Batches
from ihp_backend.label_studio.prediction_request import PredictionRequest

logger = logging.getLogger(__name__)


def answer_all(
    batches: Batches, tasks: Sequence[Mapping[str, Any]], request: PredictionRequest, began: float | None = None
) -> list[dict[str, Any]]:
    """The items, and a line about them in the log.

    A task that cannot be answered costs only its own item: Label Studio drops answers of another length.

    Args:
        batches: answers requests without clicks, and knows who answers the others.
        tasks: as Label Studio sent them.
        request: what they have in common.
        began: when the request came, by the clock of ``batches``; None: now.
    """
    if request.context is None:
        items = batches.answer(tasks, request, began)
    else:
        items = [batches.predictions.answer(task, request) for task in tasks]
    project = request.project
    errors = [item["error"] for item in items if "error" in item]
    answered = [item["result"] for item in items if "result" in item]
    logger.info(
        "project %.40r: %d of %d tasks answered, %d regions, %d with errors (%s)",
        project, len(answered), len(items), sum(map(len, answered)), len(errors), request.timings,
    )  # fmt: skip
    for error in errors[:5]:
        logger.warning("project %.40r: %s: %s (%s)", project, error["field"], error["value"], error["remedy"])
    return items
