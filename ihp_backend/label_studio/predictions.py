"""Predictions: a task of a request in, the item that answers it out.

Two kinds of request: a batch (``context`` is null: Label Studio opens a task or fills the Data Manager) is parsed
without clicks and gets every part found; an interactive one (``context.result`` holds prompts) gets one region for
every label with standing clicks. Anything else present but empty asks for nothing and gets an empty item at once.

Concurrency: ``answer`` may be called by any number of threads; all state is in ClickMemory and SceneCache, and their
locks are never held while a photograph is fetched or parsed.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from ihp_backend.label_studio.asking import ask, brush_targets
from ihp_backend.label_studio.box_limits import keep_inside_boxes
from ihp_backend.label_studio.click_memory import NOBODY, ClickMemory
from ihp_backend.label_studio.click_sessions import take_in
from ihp_backend.label_studio.drawn_work import DrawnWork
from ihp_backend.label_studio.images import ImageSource
from ihp_backend.label_studio.labelling_config import LabellingConfig, parse_labelling_config
from ihp_backend.label_studio.prediction_request import PredictionRequest
from ihp_backend.label_studio.problems import Problem, RequestError, problem
from ihp_backend.label_studio.regions import Place, mean_score, regions
from ihp_backend.label_studio.scenes import SceneCache
from ihp_backend.label_studio.serving import ServingModels
from ihp_backend.label_studio.task_photographs import TaskPhotographs
from ihp_backend.label_studio.translation import Translation, translate
from ihp_backend.parsing.parser import Parser

logger = logging.getLogger(__name__)


class Predictions:
    """Answers tasks.

    Args:
        models: which model answers what.
        images: fetches photographs.
        memory: standing clicks; its own if None.
        scenes: opened photographs; its own if None.
    """

    def __init__(
        self,
        models: ServingModels,
        images: ImageSource,
        memory: ClickMemory | None = None,
        scenes: SceneCache | None = None,
    ) -> None:
        self.models = models
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
        """The item for one task: model_version, score, result and, if something was wrong, error. Never raises."""
        problems: list[Problem] = []
        results: list[dict[str, Any]] = []
        parser = self._model(task, request)
        try:
            results = self._results(parser, task, request, problems)
        except RequestError as error:
            problems.append(error.problem)
        except Exception as error:
            logger.exception("project %.40r task %.40r failed", request.project, _task_id(task))
            problems.append(problem("task", type(error).__name__, "an error of this server; its log has the details"))
        item: dict[str, Any] = {
            "model_version": parser.version,
            "score": mean_score(results),
            "result": results,
        }
        if problems:
            item["error"] = problems[0].to_json()
            if len(problems) > 1:
                item["error"]["others"] = [other.to_json() for other in problems[1:20]]
        return item

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
        config = parse_labelling_config(request.label_config)
        if not config.images or not config.targets:
            missing = "BrushLabels" if config.images else "Image"
            raise RequestError(
                problem("label_config", f"no <{missing}>", f"add an <{missing}> tag; see the user guide")
            )
        translation = translate(config, parser.labels, any_labels=parser.any_labels)
        if prompts is None:
            return self._batch(parser, task, request, config, translation, problems)
        return self._interactive(parser, task, request, prompts, config, translation, problems)

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
            names = [name for name in translation.labels.names[1:] if config.brush_target(name, image.name)]
            if names:
                scene = self._photographs.open(parser, task, image, request)
                label_map, scores = ask(parser, translation, scene, [])
                targets = brush_targets(names, config, translation, image, problems)
                results += regions(label_map, targets, scores, Place(request.project, _task_id(task)))
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
        session = take_in(self.memory, request.project, task_id, task, prompts, config, problems)
        sent, saved, standing = session.sent, session.saved, session.standing
        if lacking := translation.lacking(tuple(standing.prompts), parser.labels):
            problems.append(lacking)
        answered = [name for name in standing.answered if name in translation.spoken_ids]
        if not answered:
            return []
        image = next((image for image in config.images if image.name == sent.to_name), None)
        if image is None:
            raise RequestError(problem("context.result[0].to_name", sent.to_name, "name an <Image> of the config"))
        scene = self._photographs.open(parser, task, image, request)
        clicks = [
            prompt.to_click(translation.spoken_ids[name], scene.height, scene.width)
            for name, stand in standing.prompts.items()
            if name in translation.spoken_ids
            for prompt in stand
        ]
        previous = None
        if parser.any_labels:  # Other models take no parsing so far.
            key = (request.project, task_id, image.name, saved.stamp, scene.height, scene.width, request.label_config)
            size = (scene.height, scene.width)
            previous, unreadable = self._drawn.label_map(key, saved.records, config, translation.labels, size)
            problems += unreadable
        label_map, scores = ask(parser, translation, scene, clicks, previous)
        keep_inside_boxes(label_map, standing.prompts, translation.labels)
        targets = brush_targets(answered, config, translation, image, problems)
        place = Place(request.project, task_id, sent.original_size, sent.image_rotation)
        return regions(label_map, targets, scores, place)


def _task_id(task: Mapping[str, Any]) -> str:
    """The task's id as text, "" for a task without one: such a task is answered without a memory."""
    task_id = task.get("id")
    return str(task_id) if isinstance(task_id, (int, str)) and not isinstance(task_id, bool) else ""
