"""Predictions: a task of a request in, the item that answers it out.

Two kinds of request: a batch (``context`` is null: Label Studio opens a task or fills the Data Manager) is parsed
without clicks and gets every part found; an interactive one (``context.result`` holds prompts) gets one region for
every label with active prompts. Anything else present but empty asks for nothing and gets an empty item at once.

Concurrency: ``answer`` may be called by any number of threads; all state is in ClickMemory and SceneCache, and their
locks are never held while a photograph is fetched or parsed. The tasks of batches wait for one turn at the model,
however many of them are answered side by side, so that a click has one rival for it and not one per task. What takes
the processor for long, the model and the masks, is done by one request for every two cores at a time: threads that
compute side by side take the interpreter from one another at every call into a library, at a tenth of their time.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ihp_backend.label_studio.clicks.click_memory import NOBODY, ClickMemory
from ihp_backend.label_studio.config.pages import addresses
from ihp_backend.label_studio.config.translation import translate
from ihp_backend.label_studio.masks.regions import Place, regions
from ihp_backend.label_studio.predict.click_answers import ClickAnswers
from ihp_backend.label_studio.predict.model_cache import ServingModels
from ihp_backend.label_studio.predict.parser_requests import ask, config_of_task, mask_targets
from ihp_backend.label_studio.predict.prediction_items import Attempt, OutOfTime, item_of, unanswered
from ihp_backend.label_studio.predict.prediction_request import PredictionRequest, task_id_of
from ihp_backend.label_studio.predict.scene_cache import SceneCache
from ihp_backend.label_studio.predict.task_photographs import TaskPhotographs
from ihp_backend.label_studio.predict.task_request import TaskRequest
from ihp_backend.label_studio.problems import Problem, RequestError, problem
from ihp_backend.label_studio.web.images import ImageSource
from ihp_backend.log_context import about
from ihp_backend.parsing.checkpoint import AnswerError
from ihp_backend.parsing.cores import available_cores
from ihp_backend.parsing.despeckle import despeckle
from ihp_backend.parsing.parser import Parser
from ihp_backend.parsing.turns import Turn

logger = logging.getLogger(__name__)

CORES_EACH = 2
"""Cores for each request that computes; the network uses all of them meanwhile, numpy one."""


class Predictions:
    """Answers tasks.

    Args:
        models: which model answers what.
        images: fetches photographs.
        memory: active prompts; its own if None.
        scenes: opened photographs; its own if None.
        clock: seconds; requests say by it when it is too late.
    """

    def __init__(
        self,
        models: ServingModels,
        images: ImageSource,
        memory: ClickMemory | None = None,
        scenes: SceneCache | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.models = models
        self.clock = clock
        self._turn, self._computing = Turn(), Turn(max(available_cores() // CORES_EACH, 1))
        self.memory = ClickMemory() if memory is None else memory
        self.scenes = SceneCache() if scenes is None else scenes
        self._photographs = TaskPhotographs(images, self.scenes)
        self._clicks = ClickAnswers(self.memory, self._photographs, self._check_time)

    def forget(self, project: str, task: str, annotator: str = NOBODY) -> None:
        """An annotator's work on a task is submitted or gone: their clicks stand no more, the newest model answers.

        Raises:
            StorageError: the clicks could not be forgotten.
        """
        self.models.forget(project, task)
        self.memory.forget(project, task, annotator)

    def answer(self, task: Mapping[str, Any], request: PredictionRequest) -> dict[str, Any]:
        """The item for one task: model_version, score, result and, if something was wrong, error.

        A task of a batch of which no photograph could be opened has only model_version and error.

        Raises:
            OutOfTime: it was too late to begin; nothing else.
        """
        return self.attempt(task, request).item

    def attempt(self, task: Mapping[str, Any], request: PredictionRequest) -> Attempt:
        """The answer as from ``answer``, and what became of the task."""
        with about(project=request.project, task=task_id_of(task)):
            return self._attempt(task, request)

    def _attempt(self, task: Mapping[str, Any], request: PredictionRequest) -> Attempt:
        problems: list[Problem] = []
        lost: list[Problem] = []
        results: list[dict[str, Any]] = []
        failure: Problem | None = None
        parser = self._model(task, request)
        try:
            results = self._results(parser, task, request, problems, lost)
        except OutOfTime:
            raise
        except RequestError as error:
            failure = error.problem
        except AnswerError as error:
            logger.error("project %.40r task %.40r: %s: %s", request.project, task_id_of(task), parser.version, error)
            failure = problem("model", parser.version, str(error).removeprefix("model: "))
        except Exception as error:
            logger.exception("project %.40r task %.40r failed", request.project, task_id_of(task))
            failure = problem("task", type(error).__name__, "an error of this server; its log has the details")
        if failure is None:
            return Attempt(item_of(parser.version, results, problems), None, tuple(lost))
        if failure in lost:
            return Attempt(unanswered(parser.version, *lost, *problems), failure)
        return Attempt(item_of(parser.version, [], [*problems, *lost, failure]), failure)

    def _model(self, task: Mapping[str, Any], request: PredictionRequest) -> Parser:
        """Pre-annotations are made by the newest model, clicks answered by the one with which the task was begun."""
        task_id = task_id_of(task)
        if request.context is None or request.empty or not task_id:
            return self.models.of_project(request.project)
        return self.models.of_task(request.project, task_id)

    def _results(
        self,
        parser: Parser,
        task: Mapping[str, Any],
        request: PredictionRequest,
        problems: list[Problem],
        lost: list[Problem],
    ) -> list[dict[str, Any]]:
        if request.empty:
            return []
        prompts = request.context.get("result") if request.context is not None else None
        self._check_time(request)
        with request.timings.stage("config"):
            config = config_of_task(request.label_config, task)
            problems += config.problems
            translation = translate(config, parser.labels, any_labels=parser.any_labels)
        # The tasks of a batch take turns at the model; a click does not wait for that turn.
        turn: AbstractContextManager[Any] = self._turn if request.many else nullcontext()
        asked = TaskRequest(task, request, parser, config, translation, turn, self._computing, problems)
        return self._batch(asked, lost) if prompts is None else self._clicks.answer(asked, prompts)

    def _check_time(self, request: PredictionRequest) -> None:
        if self.clock() >= request.ends_at:
            raise OutOfTime

    def _batch(self, asked: TaskRequest, lost: list[Problem]) -> list[dict[str, Any]]:
        """The regions of all photographs of the task that could be opened; ``lost`` is told of the others."""
        request, config, translation = asked.request, asked.config, asked.translation
        if lacking := translation.lacking(translation.labels.names, asked.parser.labels):
            asked.problems.append(lacking)
        results: list[dict[str, Any]] = []
        looked_at = 0
        for image in config.images:
            names = [name for name in translation.labels.names[1:] if config.mask_target(name, image.name)]
            try:
                pages = len(addresses(asked.task, image)) if names else 0
            except RequestError as error:
                lost.append(error.problem)
                continue
            for page in range(pages):
                try:
                    with request.timings.stage("photograph"):
                        scene = self._photographs.open(asked, image, page)
                except RequestError as error:
                    lost.append(error.problem)
                    continue
                looked_at += 1
                self._check_time(request)
                with request.timings.waiting(asked.later_turn()):
                    with request.timings.stage("model"):
                        label_map, scores, _ = ask(asked.parser, translation, scene, [])
                    self._photographs.used(scene)
                    with request.timings.stage("masks"):
                        despeckle(label_map)
                        targets, without = mask_targets(names, config, translation, image)
                        asked.problems.extend(without)
                        place = Place(request.project, asked.id, page=page if image.several else None)
                        results += regions(label_map, targets, scores, place)
        if lost and not looked_at:
            raise RequestError(lost[0])
        asked.problems.extend(lost)
        return results
