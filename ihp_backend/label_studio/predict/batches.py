"""Batches: all tasks of a request answered in their order and in time.

Concurrency: a few threads per request answer a task each, from fetching its photograph to encoding its masks; at the
model they take turns (see ``Predictions``). So no more photographs than threads are decoded at a time, and one that
is slow to come holds up nobody but its thread. The thread of the request waits, and at the end of its time goes with
what is there; the others end with the task they have. A request for the same tasks as one that is being answered
waits for that one's items.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import replace
from typing import Any

from ihp_backend.label_studio.batch_limits import BatchLimits
from ihp_backend.label_studio.predict.prediction_items import OutOfTime, unanswered
from ihp_backend.label_studio.predict.prediction_request import PredictionRequest
from ihp_backend.label_studio.predict.predictions import Predictions
from ihp_backend.label_studio.problems import Problem
from ihp_backend.single_flight import SingleFlight, StillUnderWay

logger = logging.getLogger(__name__)

Item = dict[str, Any]


class Batches:
    """Answers requests for pre-annotations.

    Args:
        predictions: answers each task.
        limits: for each request.
    """

    def __init__(self, predictions: Predictions, limits: BatchLimits | None = None) -> None:
        self.predictions, self._limits = predictions, limits or BatchLimits()
        self._answering = SingleFlight[str, list[Item]]()

    def clock(self) -> float:
        """Seconds of the clock by which requests have their time."""
        return self.predictions.clock()

    def answer(
        self, tasks: Sequence[Mapping[str, Any]], request: PredictionRequest, began: float | None = None
    ) -> list[Item]:
        """An item for each task, in their order; tasks for which the time did not suffice have only an error.

        Args:
            tasks: as Label Studio sent them.
            request: what they have in common.
            began: when the request came, by ``clock``; None: now.
        """
        version = self.predictions.models.of_project(request.project).version
        ends_at = (self.clock() if began is None else began) + self._limits.seconds
        request = replace(request, many=len(tasks) > 1, ends_at=ends_at)
        try:
            return self._answering.do(
                _digest(version, tasks, request),
                lambda: self._answer(tasks, request, version),
                seconds=self._seconds_left(request),
                joining=lambda: logger.info(
                    "project %.40r: these %d tasks are being answered already", request.project, len(tasks)
                ),
            )
        except StillUnderWay:
            return [self._too_late(version)] * len(tasks)

    def _answer(self, tasks: Sequence[Mapping[str, Any]], request: PredictionRequest, version: str) -> list[Item]:
        pool = ThreadPoolExecutor(min(self._limits.parallel, len(tasks)), thread_name_prefix="batch")
        try:
            # The threads log for the request that they answer.
            futures = [pool.submit(copy_context().run, self.predictions.answer, task, request) for task in tasks]
            done, _ = wait(futures, self._seconds_left(request))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        return [self._item(future, version) if future in done else self._too_late(version) for future in futures]

    def _item(self, future: Future[Item], version: str) -> Item:
        try:
            return future.result()
        except OutOfTime:
            return self._too_late(version)

    def _seconds_left(self, request: PredictionRequest) -> float:
        return max(0.0, request.ends_at - self.clock())

    def _too_late(self, version: str) -> Item:
        return unanswered(
            version,
            Problem(
                "tasks",
                f"not answered within IHP_BATCH_SECONDS = {self._limits.seconds:g}",
                "ask again, which goes on with the tasks that have none yet, or run `ihp predict-project` for all",
            ),
        )


def _digest(version: str, tasks: Sequence[Mapping[str, Any]], request: PredictionRequest) -> str:
    """Digest of a request, equal for requests that must get the same items."""
    what = [version, request.project, request.label_config, [(task.get("id"), task.get("data")) for task in tasks]]
    return hashlib.sha256(json.dumps(what, default=repr).encode("utf-8", "surrogatepass")).hexdigest()


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
