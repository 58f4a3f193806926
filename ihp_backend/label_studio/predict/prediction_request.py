"""PredictionRequest: what is the same for all tasks of one request."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ihp_backend.label_studio.annotations.annotation_events import id_key
from ihp_backend.label_studio.predict.request_fields import config_text_of, optional, project_of
from ihp_backend.label_studio.predict.timings import Timings
from ihp_backend.label_studio.problems import RequestError, problem


@dataclass(frozen=True)
class PredictionRequest:
    """A ``/predict`` request without its tasks.

    Attributes:
        project: Label Studio's project id.
        label_config: the labelling config's XML, as it came.
        context: ``params.context``; None for a batch.
        hostname, access_token: Label Studio's own, from the project's last ``/setup``.
        many: whether the task is one of many: it then takes turns with the others at the model, and leaves the scenes
            that annotators work on in their place.
        ends_at: when it is too late to begin with a task, in seconds of the clock of ``Predictions``.
        timings: what its stages took so far, of all its tasks.
    """

    project: str
    label_config: str | None
    context: Mapping[str, Any] | None = None
    hostname: str | None = None
    access_token: str | None = field(default=None, repr=False)
    many: bool = False
    ends_at: float = math.inf
    timings: Timings = field(default_factory=Timings, repr=False, compare=False)

    @property
    def empty(self) -> bool:
        """Whether it is about prompts, and has none: the doctor asks so, to see that there is a way."""
        return self.context is not None and not self.context.get("result")


def read_prediction_request(body: Mapping[str, Any]) -> tuple[list[dict[str, Any]], PredictionRequest]:
    """The tasks of a ``/predict`` body and the rest of it, without hostname and access token, which it has not.

    Raises:
        RequestError: a field of another type than Label Studio sends, or no tasks.
    """
    tasks = body.get("tasks")
    if not isinstance(tasks, list) or not tasks:
        raise RequestError(problem("tasks", tasks, "send a list of at least one task"))
    for index, task in enumerate(tasks):
        if not isinstance(task, dict):
            raise RequestError(problem(f"tasks[{index}]", task, "send each task as an object"))
    project = project_of(body)
    params = optional(body, "params", dict) or {}
    context = optional(params, "context", dict, where="params.")
    if context is not None:
        optional(context, "result", list, where="params.context.")
    return tasks, PredictionRequest(project, config_text_of(body, "label_config"), context)


def task_id_of(task: Mapping[str, Any]) -> str:
    """The task's id as text, "" for a task without one: such a task is answered without a memory."""
    return id_key(task)
