"""ClickAnswers: a task with prompts in, one region for every label with active prompts out.

Concurrency: any number of threads may ask; no lock of the memory is held while a photograph is fetched or parsed, so
that clicks which came meanwhile are seen before the answer goes out.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ihp_backend.label_studio.clicks.click_memory import ClickMemory
from ihp_backend.label_studio.clicks.click_sessions import ClickSession, take_in, with_latecomers
from ihp_backend.label_studio.clicks.prompts import keep_inside_boxes
from ihp_backend.label_studio.config.config_tags import ImageTag, MaskTarget
from ihp_backend.label_studio.config.labelling_config import LabellingConfig
from ihp_backend.label_studio.config.task_values import has_variables
from ihp_backend.label_studio.masks.drawn_work import DrawnWork, keep_drawn, take_from_drawn
from ihp_backend.label_studio.masks.regions import Place, regions
from ihp_backend.label_studio.masks.sizes import Size
from ihp_backend.label_studio.predict.parser_requests import ask, mask_targets
from ihp_backend.label_studio.predict.prediction_request import PredictionRequest
from ihp_backend.label_studio.predict.task_photographs import TaskPhotographs
from ihp_backend.label_studio.predict.task_request import TaskRequest
from ihp_backend.label_studio.problems import Problem, RequestError, problem
from ihp_backend.parsing.despeckle import despeckle
from ihp_backend.parsing.last_answer import LastAnswer
from ihp_backend.storage.storage_error import StorageError

logger = logging.getLogger(__name__)

MOST_NAMED = 20
"""Image tags that an error names."""

LOOKS = 2
"""How often a request is answered at most, if clicks come meanwhile."""


class ClickAnswers:
    """Answers prompts.

    Args:
        memory: active prompts.
        photographs: opens them.
        check_time: raises ``OutOfTime`` where it is too late to go on with a request.
    """

    def __init__(
        self,
        memory: ClickMemory,
        photographs: TaskPhotographs,
        check_time: Callable[[PredictionRequest], None] = lambda _: None,
    ) -> None:
        self._memory, self._photographs, self._check_time = memory, photographs, check_time
        self._drawn = DrawnWork()

    def answer(self, asked: TaskRequest, prompts: Sequence[Any]) -> list[dict[str, Any]]:
        """The regions that answer a task's prompts.

        Args:
            asked: the task.
            prompts: ``context.result``.

        Raises:
            RequestError: the prompts are on no photograph, it cannot be opened, or it is another than the page shows.
            OutOfTime: the photograph took too long to come.
        """
        project = asked.request.project
        with asked.request.timings.stage("clicks"):
            session = take_in(self._memory, project, asked.id, asked.task, prompts, asked.config)
        asked.problems.extend(session.problems)
        for _ in range(LOOKS):
            attempt = replace(asked, problems=[])  # What was wrong with an answer that is not given need not be told.
            results = self._regions(attempt, prompts, session)
            later = with_latecomers(self._memory, project, asked.id, session)
            if later is None:
                break
            session = later
        asked.problems.extend(attempt.problems)
        return results

    def _regions(self, asked: TaskRequest, prompts: Sequence[Any], session: ClickSession) -> list[dict[str, Any]]:
        sent, active = session.sent, session.active
        request, parser, config, translation = asked.request, asked.parser, asked.config, asked.translation
        if lacking := translation.lacking(tuple(active.prompts), parser.labels):
            asked.problems.append(lacking)
        answered = [name for name in active.answered if name in translation.spoken_ids]
        if not answered:
            return []
        image = next((image for image in config.images if image.name == sent.to_name), None)
        if image is None:
            known = ", ".join(image.name for image in config.images[:MOST_NAMED])
            remedy = f"name an <Image> of the config; this task has {known}"
            raise RequestError(problem("context.result[0].to_name", sent.to_name, remedy))
        with request.timings.stage("photograph"):
            scene = self._photographs.open(asked, image, sent.page, sent.original_size)
        self._check_time(request)
        by_prompt = {
            prompt.id: prompt.to_click(translation.spoken_ids[name], scene.height, scene.width)
            for name, stand in active.prompts.items()
            if name in translation.spoken_ids
            for prompt in stand
        }
        clicks = list(by_prompt.values())
        previous = None
        if parser.any_labels:  # Other models take no parsing so far.
            with request.timings.stage("drawn"):
                previous, unreadable = self._parsing_so_far(asked, session, (scene.height, scene.width))
            asked.problems.extend(unreadable)
        with request.timings.stage("clicks"):
            last = self._last_answer(asked, session) if parser.any_labels else None
        with request.timings.waiting(asked.computing):
            with request.timings.stage("model"):
                label_map, scores, parse = ask(parser, translation, scene, clicks, previous, last)
                # Before the masks are made, which may change the model's label map in place.
                answer = LastAnswer.of(parse, clicks) if parser.any_labels else None
            self._photographs.used(scene)
            with request.timings.stage("masks"):
                denied: frozenset[int] = frozenset()
                answered_ids = [translation.labels.id_of(name) for name in answered]
                if previous is not None:
                    newer = [click for prompt, click in by_prompt.items() if prompt not in active.settled]
                    denied = keep_drawn(label_map, previous, newer, answered_ids)
                keep_inside_boxes(label_map, active.prompts, translation.labels)
                despeckle(label_map, clicks, previous)
                keep_inside_boxes(label_map, active.prompts, translation.labels)  # What filled a hole beyond one goes.
                targets, without = mask_targets(answered, config, translation, image)
                asked.problems.extend(without)
                ids: dict[int, str] = {}
                for label in sorted(denied):
                    drawn = _one_mask(session, translation.labels.names[label], config, image)
                    if drawn and previous is not None and take_from_drawn(label_map, previous, label, answered_ids):
                        targets[label], ids[label] = drawn
                page = sent.page if image.several else None
                place = Place(request.project, asked.id, sent.original_size, sent.image_rotation, page)
                results = regions(label_map, _named_as_asked(targets, prompts), scores, place, ids)
        if answer is not None:
            with request.timings.stage("clicks"):
                self._keep_answer(asked, session, answer)
        return results

    def _parsing_so_far(
        self, asked: TaskRequest, session: ClickSession, size: Size
    ) -> tuple[NDArray[np.uint8] | None, Sequence[Problem]]:
        """The parsing accepted or drawn by hand, in the config's ids, and problems of regions that cannot be read."""
        config, labels = asked.config, asked.translation.labels
        named = (labels.names, tuple(config.aliases.items()))
        # Kept with every map, so not the text itself, which may be long.
        written = hashlib.sha256(repr(asked.request.label_config).encode("utf-8", "surrogatepass")).digest()
        key = (asked.request.project, asked.id, session.sent.place, session.saved.stamp, *size, written, named)
        return self._drawn.label_map(key, session.saved.records, config, labels, size)

    def _last_answer(self, asked: TaskRequest, session: ClickSession) -> LastAnswer | None:
        """The last answer to this annotator's clicks on the photograph; None where it is not to be had."""
        if not asked.id:
            return None
        try:
            content = self._memory.last_answer(
                asked.request.project, asked.id, session.sent, session.saved, _spoken(asked)
            )
        except StorageError:  # Told of when the request was taken in.
            return None
        return None if content is None else LastAnswer.from_bytes(content)

    def _keep_answer(self, asked: TaskRequest, session: ClickSession, last: LastAnswer) -> None:
        if not asked.id:
            return
        try:
            self._memory.keep_answer(
                asked.request.project, asked.id, session.sent, session.saved, _spoken(asked), last.to_bytes()
            )
        except StorageError as error:
            logger.warning("task %.40r: the last answer is not kept: %s", asked.id, error)


def _one_mask(
    session: ClickSession, label: str, config: LabellingConfig, image: ImageTag
) -> tuple[MaskTarget, str] | None:
    """Where a label's only mask goes, and its id; None if it has several, or one of another form than is answered."""
    masks, target = session.saved.accepted.get(label, ()), config.mask_target(label, image.name)
    return (target, masks[0].id) if len(masks) == 1 and target and masks[0].kind == target.type else None


def _spoken(asked: TaskRequest) -> str:
    """The model and the labels in which an answer is meant."""
    return "\n".join((asked.parser.version, *asked.translation.labels.names))


def _named_as_asked(targets: Mapping[int, MaskTarget], prompts: Sequence[Any]) -> dict[int, MaskTarget]:
    """A ``<Label value="$first">`` has two names; the editor asks by ``$first`` and finds its labels by that only.

    Whoever asks by what the task says gets it back.
    """
    values = [
        record["value"] for record in prompts if isinstance(record, dict) and isinstance(record.get("value"), dict)
    ]
    asked = [name for value in values for names in value.values() if isinstance(names, list) for name in names]
    return {
        label: replace(target, returned=target.label)
        if has_variables(target.returned) and target.label in asked and target.returned not in asked
        else target
        for label, target in targets.items()
    }
