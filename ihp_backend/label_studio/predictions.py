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
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ihp_backend.label_studio.asking import ask, mask_targets, usable_config
from ihp_backend.label_studio.clicks.box_limits import keep_inside_boxes
from ihp_backend.label_studio.clicks.click_memory import NOBODY, ClickMemory
from ihp_backend.label_studio.clicks.click_sessions import ClickSession, take_in, with_latecomers
from ihp_backend.label_studio.config.labelling_config import LabellingConfig
from ihp_backend.label_studio.config.pages import addresses
from ihp_backend.label_studio.config.translation import Translation, translate
from ihp_backend.label_studio.masks.drawn_work import DrawnWork
from ihp_backend.label_studio.masks.outlines import clean_outlines
from ihp_backend.label_studio.masks.regions import Place, regions
from ihp_backend.label_studio.prediction_items import OutOfTime, item_of
from ihp_backend.label_studio.prediction_request import PredictionRequest
from ihp_backend.label_studio.problems import Problem, RequestError, problem
from ihp_backend.label_studio.scenes import SceneCache
from ihp_backend.label_studio.serving import ServingModels
from ihp_backend.label_studio.task_photographs import TaskPhotographs
from ihp_backend.label_studio.web.images import ImageSource
from ihp_backend.parsing.parser import Parser

logger = logging.getLogger(__name__)

LOOKS = 2
"""How often a request is answered at most, if clicks come meanwhile."""


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
        self._drawn = DrawnWork()
        self._photographs = TaskPhotographs(images, SceneCache() if scenes is None else scenes)

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
            logger.exception("project %.40r task %.40r failed", request.project, _task_id(task))
            failure = problem("task", type(error).__name__, "an error of this server; its log has the details")
        return item_of(parser.version, results, [*problems, *([failure] if failure else [])]), failure

    def _model(self, task: Mapping[str, Any], request: PredictionRequest) -> Parser:
        """Pre-annotations are made by the newest model, clicks answered by the one with which the task was begun."""
        task_id = _task_id(task)
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
        return self._interactive(parser, task, request, prompts, config, translation, problems)

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
                    place = Place(request.project, _task_id(task), page=page if image.several else None)
                    results += regions(label_map, targets, scores, place)
        return results

    def _interactive(
        self,
        parser: Parser,
        task: Mapping[str, Any],
        request: PredictionRequest,
        prompts: Sequence[Any],
        config: LabellingConfig,
        translation: Translation,
        problems: list[Problem],
    ) -> list[dict[str, Any]]:
        task_id = _task_id(task)
        with request.timings.stage("clicks"):
            session = take_in(self.memory, request.project, task_id, task, prompts, config, problems)
        for _ in range(LOOKS):
            told: list[Problem] = []
            results = self._session(parser, task, request, session, config, translation, told)
            later = with_latecomers(self.memory, request.project, task_id, session)
            if later is None:
                break
            session = later
        problems += told
        return results

    def _session(
        self,
        parser: Parser,
        task: Mapping[str, Any],
        request: PredictionRequest,
        session: ClickSession,
        config: LabellingConfig,
        translation: Translation,
        problems: list[Problem],
    ) -> list[dict[str, Any]]:
        sent, saved, standing = session.sent, session.saved, session.standing
        task_id = _task_id(task)
        if lacking := translation.lacking(tuple(standing.prompts), parser.labels):
            problems.append(lacking)
        answered = [name for name in standing.answered if name in translation.spoken_ids]
        if not answered:
            return []
        image = next((image for image in config.images if image.name == sent.to_name), None)
        if image is None:
            raise RequestError(problem("context.result[0].to_name", sent.to_name, "name an <Image> of the config"))
        with request.timings.stage("photograph"):
            scene = self._photographs.open(parser, task, image, request, self._turn_of(request), sent.page)
        clicks = [
            prompt.to_click(translation.spoken_ids[name], scene.height, scene.width)
            for name, stand in standing.prompts.items()
            if name in translation.spoken_ids
            for prompt in stand
        ]
        previous = None
        if parser.any_labels:  # Other models take no parsing so far.
            key = (request.project, task_id, sent.place, saved.stamp, scene.height, scene.width, request.label_config)
            size = (scene.height, scene.width)
            with request.timings.stage("drawn"):
                previous, unreadable = self._drawn.label_map(key, saved.records, config, translation.labels, size)
            problems += unreadable
        with request.timings.stage("model"):
            label_map, scores = ask(parser, translation, scene, clicks, previous)
        with request.timings.stage("masks"):
            keep_inside_boxes(label_map, standing.prompts, translation.labels)
            clean_outlines(label_map, clicks, previous)
            keep_inside_boxes(label_map, standing.prompts, translation.labels)  # What filled a hole beyond one goes.
            targets = mask_targets(answered, config, translation, image, problems)
            page = sent.page if image.several else None
            place = Place(request.project, task_id, sent.original_size, sent.image_rotation, page)
            return regions(label_map, targets, scores, place)


def _task_id(task: Mapping[str, Any]) -> str:
    """The task's id as text, "" for a task without one: such a task is answered without a memory."""
    task_id = task.get("id")
    return str(task_id) if isinstance(task_id, (int, str)) and not isinstance(task_id, bool) else ""
