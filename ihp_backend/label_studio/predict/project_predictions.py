"""Pre-annotating a whole project: tasks in, predictions posted.

Concurrency: a few threads take a task each from its photograph to its posted prediction; at the model they take turns
(see ``Predictions``). Whoever goes on with the results does so in a thread of his own; when he stops, no task is begun
any more, and those begun are ended.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

from ihp_backend.label_studio.api.prediction_api import PredictionApi
from ihp_backend.label_studio.predict.prediction_request import PredictionRequest
from ihp_backend.label_studio.predict.predictions import Predictions
from ihp_backend.label_studio.problems import Problem


@dataclass(frozen=True)
class Outcome:
    """Outcome of a task.

    Attributes:
        task: its id.
        failure: why it has no prediction; None if it was posted.
        lost: what is missing in the prediction, since not all of the task's photographs could be opened.
    """

    task: int
    failure: Problem | None
    lost: tuple[Problem, ...] = ()


def predict_tasks(
    api: PredictionApi,
    predictions: Predictions,
    tasks: Sequence[dict[str, Any]],
    request: PredictionRequest,
    parallel: int,
    stopped: threading.Event,
) -> Generator[Outcome, None, None]:
    """Answers tasks and posts what was found, in whatever order they are done.

    Args:
        api: where the predictions go.
        predictions: answers the tasks.
        tasks: with id and data.
        request: what they have in common.
        parallel: tasks in work at a time.
        stopped: is set when the caller goes on no further, so that nobody waits any more.

    Raises:
        ApiError: Label Studio is gone, or takes no prediction; what was posted stays.
    """

    def work(task: dict[str, Any]) -> Outcome:
        attempt = predictions.attempt(task, request)
        if (attempt.failure is not None or attempt.lost) and api.had_to_wait(request.project):
            # The photograph may have been out of reach for the same reason.
            attempt = predictions.attempt(task, request)
        if attempt.failure is None:
            api.post(request.project, task["id"], attempt.item)
        return Outcome(task["id"], attempt.failure, attempt.lost)

    pool = ThreadPoolExecutor(parallel, thread_name_prefix="predict")
    try:
        for future in as_completed([pool.submit(work, task) for task in tasks]):
            yield future.result()
    finally:
        stopped.set()
        pool.shutdown(wait=True, cancel_futures=True)


_WHERE = "Settings, Annotation, Prelabeling"


def how_to_show(project: Mapping[str, Any], backends: Sequence[Mapping[str, Any]], version: str) -> str | None:
    """Advice for showing annotators the predictions of a version; None if they are shown already.

    A project shows one thing: nothing, the predictions of one version, or, under the title of a connected backend,
    those of whatever version that backend serves.

    Args:
        project: Label Studio's settings of it.
        backends: those connected to it.
        version: of the predictions.
    """
    chosen = project.get("model_version") or ""
    if not project.get("show_collab_predictions"):
        return f"annotators see no predictions: in {_WHERE}, switch on predictions and choose {version}"
    if chosen == version:
        return None
    for backend in backends:
        if chosen and chosen == backend.get("title"):
            serves = backend.get("model_version")
            if serves == version:
                return None
            return (
                f"annotators see those of the backend {chosen!r}, which serves {serves}: start it with the same "
                f"--model and --data-dir as this command, or choose {version} in {_WHERE}"
            )
    seen = f"those of {chosen!r}" if chosen else "none"
    return f"annotators see {seen}: choose {version} in {_WHERE}"
