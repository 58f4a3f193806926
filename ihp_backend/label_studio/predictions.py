"""Predictions: a task of a request in, the item that answers it out.

Two kinds of request: a batch (``context`` is null: Label Studio opens a task or fills the Data Manager) is parsed
without clicks and gets every part found; an interactive one (``context.result`` holds prompts) gets one region for
every label with standing clicks. Anything else present but empty asks for nothing and gets an empty item at once.

Concurrency: ``answer`` may be called by any number of threads; all state is in ClickMemory and SceneCache, and their
locks are never held while a photograph is fetched or parsed. The tasks of batches wait for one turn at the model,
however many of them are answered side by side, so that a click has one rival for it and not one per task.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ihp_backend.label_studio.asking import ask, mask_targets, usable_config
from ihp_backend.label_studio.click_answers import ClickAnswers
from ihp_backend.label_studio.clicks.click_memory import NOBODY, ClickMemory
from ihp_backend.label_studio.config.labelling_config import LabellingConfig
from ihp_backend.label_studio.config.pages import addresses
from ihp_backend.label_studio.config.translation import Translation, translate
from ihp_backend.label_studio.masks.outlines import clean_outlines
from ihp_backend.label_studio.masks.regions import Place, regions
from ihp_backend.label_studio.prediction_items import OutOfTime, item_of
from ihp_backend.label_studio.prediction_request import PredictionRequest, task_id_of
from ihp_backend.label_studio.problems import Problem, RequestError, problem
from ihp_backend.label_studio.scenes import SceneCache
from ihp_backend.label_studio.serving import ServingModels
from ihp_backend.label_studio.task_photographs import TaskPhotographs
from ihp_backend.label_studio.web.images import ImageSource
from ihp_backend.parsing.parser import Parser

logger = logging.getLogger(__name__)


class Predictions:
    """Answers tasks.

    Args:
        models: which model answers what.
        images: fetches photographs.
        memory: standing clicks; its own if None.
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
        self._turn = threading.Lock()
        self.memory = ClickMemory() if memory is None else memory
        self._photographs = TaskPhotographs(images, SceneCache() if scenes is None else scenes)
        self._clicks = ClickAnswers(self.memory, self._photographs)

    def forget(self, project: str, task: str, annotator: str = NOBODY) -> None:
        """An annotator's work on a task is submitted or gone: their clicks stand no more, the newest model answers.

        Raises:
            StorageError: the clicks could not be forgotten.
        """
        self.models.forget(project, task)
        self.memory.forget(project, task, annotator)

    def answer(self, task: Mapping[str, Any], request: PredictionRequest) -> dict[str, Any]:
        """The item for one task: model_version, score, result and, if something was wrong, error.

        Raises:
            OutOfTime: it was too late to begin; nothing else.
        """
        return self.attempt(task, request)[0]

    def attempt(self, task: Mapping[str, Any], request: PredictionRequest) -> tuple[dict[str, Any], Problem | None]:
        """As ``answer``, and why the task could not be answered, None if it was."""
        problems: list[Problem] = []
        results: list[dict[str, Any]] = []
        failure: Problem | None = None
        parser = self._model(task, request)
        try:
            results = self._results(parser, task, request, problems)
        except OutOfTime:
            raise
        except RequestError as error:
            failure = error.problem
        except Exception as error:
            logger.exception("project %.40r task %.40r failed", request.project, task_id_of(task))
            failure = problem("task", type(error).__name__, "an error of this server; its log has the details")
        return item_of(parser.version, results, [*problems, *([failure] if failure else [])]), failure

    def _model(self, task: Mapping[str, Any], request: PredictionRequest) -> Parser:
        """Pre-annotations are made by the newest model, clicks answered by the one with which the task was begun."""
        task_id = task_id_of(task)
        if request.context is None or not task_id:
            return self.models.of_project(request.project)
        return self.models.of_task(request.project, task_id)

    def _results(
        self, parser: Parser, task: Mapping[str, Any], request: PredictionRequest, problems: list[Problem]
    ) -> list[dict[str, Any]]:
        prompts = request.context.get("result") if request.context is not None else None
        if request.context is not None and not prompts:
            return []
        self._check_time(request)
        with request.timings.stage("config"):
            config = usable_config(request.label_config)
            translation = translate(config, parser.labels, any_labels=parser.any_labels)
        if prompts is None:
            return self._batch(parser, task, request, config, translation, problems)
        turn = self._turn_of(request)
        return self._clicks.answer(parser, task, request, prompts, config, translation, turn, problems)

    def _check_time(self, request: PredictionRequest) -> None:
        if self.clock() >= request.ends_at:
            raise OutOfTime

    def _turn_of(self, request: PredictionRequest) -> AbstractContextManager[Any]:
        return self._turn if request.many else nullcontext()

    def _batch(
        self,
        parser: Parser,
        task: Mapping[str, Any],
        request: PredictionRequest,
        config: LabellingConfig,
        translation: Translation,
        problems: list[Problem],
    ) -> list[dict[str, Any]]:
        if lacking := translation.lacking(translation.labels.names, parser.labels):
            problems.append(lacking)
        results: list[dict[str, Any]] = []
        for image in config.images:
            names = [name for name in translation.labels.names[1:] if config.mask_target(name, image.name)]
            for page in range(len(addresses(task, image)) if names else 0):
                turn = self._turn_of(request)
                with request.timings.stage("photograph"):
                    scene = self._photographs.open(parser, task, image, request, turn, page)
                self._check_time(request)
                with turn, request.timings.stage("model"):
                    label_map, scores = ask(parser, translation, scene, [])
                with request.timings.stage("masks"):
                    clean_outlines(label_map)
                    targets = mask_targets(names, config, translation, image, problems)
                    place = Place(request.project, task_id_of(task), page=page if image.several else None)
                    results += regions(label_map, targets, scores, place)
        return results
