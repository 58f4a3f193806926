"""TaskRequest: one task of a request, with everything that answering it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from ihp_backend.label_studio.config.labelling_config import LabellingConfig
from ihp_backend.label_studio.config.translation import Translation
from ihp_backend.label_studio.predict.prediction_request import PredictionRequest, task_id_of
from ihp_backend.label_studio.problems import Problem
from ihp_backend.parsing.parser import Parser
from ihp_backend.parsing.turns import Turn


@dataclass(frozen=True)
class TaskRequest:
    """One task of a request.

    Attributes:
        task: as it was sent.
        request: that it came with.
        parser: the model that answers it.
        config: the request's labelling config, as it is for this task.
        translation: of the config's labels to the model's.
        turn: of the tasks of a batch among themselves.
        computing: of all requests, for what takes the processor for long.
        problems: what was wrong, noted as it is found, so that it is told also where the answer fails later.
    """

    task: Mapping[str, Any]
    request: PredictionRequest
    parser: Parser
    config: LabellingConfig
    translation: Translation
    turn: AbstractContextManager[Any]
    computing: Turn
    problems: list[Problem] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The task's id as text, "" for a task without one."""
        return task_id_of(self.task)

    @contextmanager
    def later_turn(self) -> Iterator[None]:
        """To be in while a photograph is opened or parsed without clicks: clicks on open photographs go before."""
        with self.turn, self.computing.later():
            yield
