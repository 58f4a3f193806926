"""ClickAnswers: a task with prompts in, one region for every label with standing clicks out.

Concurrency: any number of threads may ask; no lock of the memory is held while a photograph is fetched or parsed, so
that clicks which came meanwhile are seen before the answer goes out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from ihp_backend.label_studio.asking import ask, mask_targets
from ihp_backend.label_studio.clicks.box_limits import keep_inside_boxes
from ihp_backend.label_studio.clicks.click_memory import ClickMemory
from ihp_backend.label_studio.clicks.click_sessions import ClickSession, take_in, with_latecomers
from ihp_backend.label_studio.config.labelling_config import LabellingConfig
from ihp_backend.label_studio.config.translation import Translation
from ihp_backend.label_studio.masks.drawn_work import DrawnWork
from ihp_backend.label_studio.masks.outlines import clean_outlines
from ihp_backend.label_studio.masks.regions import Place, regions
from ihp_backend.label_studio.prediction_request import PredictionRequest, task_id_of
from ihp_backend.label_studio.problems import Problem, RequestError, problem
from ihp_backend.label_studio.task_photographs import TaskPhotographs
from ihp_backend.parsing.parser import Parser

LOOKS = 2
"""How often a request is answered at most, if clicks come meanwhile."""


class ClickAnswers:
    """Answers prompts.

    Args:
        memory: standing clicks.
        photographs: opens them.
    """

    def __init__(self, memory: ClickMemory, photographs: TaskPhotographs) -> None:
        self._memory, self._photographs = memory, photographs
        self._drawn = DrawnWork()

    def answer(
        self,
        parser: Parser,
        task: Mapping[str, Any],
        request: PredictionRequest,
        prompts: Sequence[Any],
        config: LabellingConfig,
        translation: Translation,
        turn: AbstractContextManager[Any],
        problems: list[Problem],
    ) -> list[dict[str, Any]]:
        """The regions that answer a task's prompts.

        Args:
            parser: the model.
            task: as it was sent.
            request: that it came with.
            prompts: ``context.result``.
            config: the request's labelling config.
            translation: of its labels to the model's.
            turn: entered while the model looks at a new photograph.
            problems: is told what was wrong.

        Raises:
            RequestError: the prompts are on no photograph, or it cannot be opened.
        """
        task_id = task_id_of(task)
        with request.timings.stage("clicks"):
            session = take_in(self._memory, request.project, task_id, task, prompts, config, problems)
        for _ in range(LOOKS):
            told: list[Problem] = []
            results = self._session(parser, task, request, session, config, translation, turn, told)
            later = with_latecomers(self._memory, request.project, task_id, session)
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
        turn: AbstractContextManager[Any],
        problems: list[Problem],
    ) -> list[dict[str, Any]]:
        sent, saved, standing = session.sent, session.saved, session.standing
        task_id = task_id_of(task)
        if lacking := translation.lacking(tuple(standing.prompts), parser.labels):
            problems.append(lacking)
        answered = [name for name in standing.answered if name in translation.spoken_ids]
        if not answered:
            return []
        image = next((image for image in config.images if image.name == sent.to_name), None)
        if image is None:
            raise RequestError(problem("context.result[0].to_name", sent.to_name, "name an <Image> of the config"))
        with request.timings.stage("photograph"):
            scene = self._photographs.open(parser, task, image, request, turn, sent.page)
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
