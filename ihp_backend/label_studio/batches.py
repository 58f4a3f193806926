"""Batches: all tasks of a request answered in their order and in time.

Concurrency: a few threads per request answer a task each, from fetching its photograph to encoding its masks; at the
model they take turns (see ``Predictions``). So no more photographs than threads are decoded at a time, and one that
is slow to come holds up nobody but its thread. The thread of the request waits, and at the end of its time goes with
what is there; the others end with the task they have. A request for the same tasks as one that is being answered
waits for that one's items. The lock guards the table of those requests and is never held while anything is answered.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import Any

from ihp_backend.label_studio.batch_limits import BatchLimits
from ihp_backend.label_studio.prediction_items import OutOfTime, unanswered
from ihp_backend.label_studio.prediction_request import PredictionRequest
from ihp_backend.label_studio.predictions import Predictions
from ihp_backend.label_studio.problems import Problem

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
        self._lock = threading.Lock()
        self._running: dict[str, Future[list[Item]]] = {}

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
        key = _digest(version, tasks, request)
        with self._lock:
            running = self._running.get(key)
            if running is None:
                mine = self._running[key] = Future()
        if running is not None:
            logger.info("project %.40r: these %d tasks are being answered already", request.project, len(tasks))
            wait([running], self._seconds_left(request))
            return running.result() if running.done() else [self._too_late(version)] * len(tasks)
        try:
            items = self._answer(tasks, request, version)
        except BaseException as error:
            mine.set_exception(error)
            raise
        else:
            mine.set_result(items)
            return items
        finally:
            with self._lock:
                del self._running[key]

    def _answer(self, tasks: Sequence[Mapping[str, Any]], request: PredictionRequest, version: str) -> list[Item]:
        pool = ThreadPoolExecutor(min(self._limits.parallel, len(tasks)), thread_name_prefix="batch")
        try:
            futures = [pool.submit(self.predictions.answer, task, request) for task in tasks]
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
    """The same for requests that must get the same items."""
    what = [version, request.project, request.label_config, [(task.get("id"), task.get("data")) for task in tasks]]
    return hashlib.sha256(json.dumps(what, default=repr).encode("utf-8", "surrogatepass")).hexdigest()
