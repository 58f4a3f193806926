"""answer_all: the tasks of a request in, one item each out, in their order."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from ihp_backend.label_studio.prediction_request import PredictionRequest
from ihp_backend.label_studio.predictions import Predictions

logger = logging.getLogger(__name__)


def answer_all(
    predictions: Predictions, tasks: Sequence[Mapping[str, Any]], request: PredictionRequest
) -> list[dict[str, Any]]:
    """The items, and a line about them in the log.

    A task that cannot be answered costs only its own item: Label Studio drops answers of another length.
    """
    items = [predictions.answer(task, request) for task in tasks]
    project = request.project
    errors = [item["error"] for item in items if "error" in item]
    regions = sum(len(item["result"]) for item in items)
    logger.info("project %.40r: %d tasks, %d regions, %d with errors", project, len(items), regions, len(errors))
    for error in errors[:5]:
        logger.warning("project %.40r: %s: %s (%s)", project, error["field"], error["value"], error["remedy"])
    return items
