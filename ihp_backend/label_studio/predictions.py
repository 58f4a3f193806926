"""Predictions: a task of a request in, the item that answers it out.

Two kinds of request: a batch (``context`` is null: Label Studio opens a task or fills the Data Manager) is parsed
without clicks and gets every part found; an interactive one (``context.result`` holds prompts) gets one region for
every label with standing clicks. Anything else present but empty asks for nothing and gets an empty item at once.

Concurrency: ``answer`` may be called by any number of threads; all state is in ClickMemory and SceneCache, and their
locks are never held while a photograph is fetched or parsed.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ihp_backend.clicks import Click
from ihp_backend.label_studio.click_memory import ClickMemory, Standing
from ihp_backend.label_studio.image_errors import ImageFetchError, shown
from ihp_backend.label_studio.images import ImageSource
from ihp_backend.label_studio.labelling_config import (
    BrushTarget,
    ImageTag,
    LabellingConfig,
    parse_labelling_config,
)
from ihp_backend.label_studio.problems import Problem, RequestError, problem
from ihp_backend.label_studio.prompts import Prompt, read_request
from ihp_backend.label_studio.regions import Place, mean_score, regions
from ihp_backend.label_studio.saved_work import read_saved_work, read_signs
from ihp_backend.label_studio.scenes import SceneCache
from ihp_backend.label_studio.translation import Translation, translate
from ihp_backend.parsing.parser import Parser
from ihp_backend.parsing.photograph import PhotographError, decode_photograph
from ihp_backend.parsing.scene import Scene

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Asking:
    """What is the same for all tasks of a request.

    Attributes:
        project: Label Studio's project id.
        label_config: the labelling config's XML, as it came.
        context: ``params.context``; None for a batch.
        hostname, access_token: Label Studio's own, from the project's last ``/setup``.
    """

    project: str
    label_config: str | None
    context: Mapping[str, Any] | None = None
    hostname: str | None = None
    access_token: str | None = None

    def __repr__(self) -> str:
        return f"Asking(project={self.project!r})"  # the token must not get into a log through a repr


class Predictions:
    """Answers tasks with a parser.

    Args:
        parser: the model.
        images: fetches photographs.
        memory: standing clicks; its own if None.
        scenes: opened photographs; its own if None.
    """

    def __init__(
        self,
        parser: Parser,
        images: ImageSource,
        memory: ClickMemory | None = None,
        scenes: SceneCache | None = None,
    ) -> None:
        self.parser = parser
        self.memory = memory or ClickMemory()
        self._images = images
        self._scenes = scenes or SceneCache()

    def answer(self, task: Mapping[str, Any], asking: Asking) -> dict[str, Any]:
        """The item for one task: model_version, score, result and, if something was wrong, error. Never raises."""
        problems: list[Problem] = []
        results: list[dict[str, Any]] = []
        try:
            results = self._results(task, asking, problems)
        except RequestError as error:
            problems.append(error.problem)
        except Exception as error:
            logger.exception("task %s of project %s failed", _text(task.get("id")), asking.project)
            problems.append(problem("task", type(error).__name__, "an error of this server; its log has the details"))
        item: dict[str, Any] = {
            "model_version": self.parser.version,
            "score": mean_score(results),
            "result": results,
        }
        if problems:
            item["error"] = problems[0].to_json()
            if len(problems) > 1:
                item["error"]["others"] = [other.to_json() for other in problems[1:20]]
        return item

    def _results(self, task: Mapping[str, Any], asking: Asking, problems: list[Problem]) -> list[dict[str, Any]]:
        prompts = asking.context.get("result") if asking.context is not None else None
        if asking.context is not None and not prompts:
            return []
        config = parse_labelling_config(asking.label_config)
        if not config.images or not config.targets:
            missing = "BrushLabels" if config.images else "Image"
            raise RequestError(
                problem("label_config", f"no <{missing}>", f"add an <{missing}> tag; see the user guide")
            )
        translation = translate(config, self.parser.labels)
        if prompts is None:
            return self._batch(task, asking, config, translation, problems)
        return self._interactive(task, asking, prompts, config, translation, problems)

    def _batch(
        self,
        task: Mapping[str, Any],
        asking: Asking,
        config: LabellingConfig,
        translation: Translation,
        problems: list[Problem],
    ) -> list[dict[str, Any]]:
        if lacking := translation.lacking(translation.labels.names, self.parser.labels):
            problems.append(lacking)
        results: list[dict[str, Any]] = []
        for image in config.images:
            names = [name for name in translation.labels.names[1:] if config.brush_target(name, image.name)]
            if names:
                scene = self._scene(task, image, asking)
                label_map, scores = self._parse(scene, [], translation)
                targets = _targets(names, config, translation, image, problems)
                results += regions(label_map, targets, scores, Place(asking.project, _task_id(task)))
        return results

    def _interactive(
        self,
        task: Mapping[str, Any],
        asking: Asking,
        prompts: Sequence[Any],
        config: LabellingConfig,
        translation: Translation,
        problems: list[Problem],
    ) -> list[dict[str, Any]]:
        task_id = _task_id(task)
        memory = self.memory if task_id else ClickMemory()
        request = read_request(prompts, config, {**memory.signs(asking.project, task_id), **read_signs(task)})
        problems += request.problems
        saved = read_saved_work(task, config, request.to_name)
        standing = memory.update(asking.project, task_id, request, saved)
        if standing.forgotten:
            problems.append(
                problem("context.result", f"{standing.forgotten} clicks too many", "the oldest were left out")
            )
        if lacking := translation.lacking(tuple(standing.prompts), self.parser.labels):
            problems.append(lacking)
        logger.info(
            "project %s task %s: %d prompts sent, %d labels stand, %d answered",
            asking.project, task_id, len(request.prompts), len(standing.prompts), len(standing.answered),
        )  # fmt: skip
        answered = [name for name in standing.answered if name in translation.model_ids]
        if not answered:
            return []
        image = next((image for image in config.images if image.name == request.to_name), None)
        if image is None:
            raise RequestError(problem("context.result[0].to_name", request.to_name, "name an <Image> of the config"))
        scene = self._scene(task, image, asking)
        clicks = [
            prompt.to_click(translation.model_ids[name], scene.height, scene.width)
            for name, stand in standing.prompts.items()
            if name in translation.model_ids
            for prompt in stand
        ]
        label_map, scores = self._parse(scene, clicks, translation)
        _keep_inside_boxes(label_map, standing, translation)
        targets = _targets(answered, config, translation, image, problems)
        place = Place(asking.project, task_id, request.original_size, request.image_rotation)
        return regions(label_map, targets, scores, place)

    def _scene(self, task: Mapping[str, Any], image: ImageTag, asking: Asking) -> Scene:
        address, task_id = _address(task, image), task.get("id")
        named = "\0".join((self.parser.version, asking.hostname or "", address))
        key = hashlib.sha256(named.encode("utf-8", "surrogatepass")).hexdigest()

        def open_scene() -> Scene:
            content = self._images.fetch(
                address,
                hostname=asking.hostname,
                access_token=asking.access_token,
                task_id=task_id if isinstance(task_id, int) else None,
            )
            return self.parser.open(decode_photograph(content))

        try:
            return self._scenes.get(key, open_scene)
        except (ImageFetchError, PhotographError) as error:
            raise RequestError(Problem(f"data.{image.data_key}", shown(address), str(error))) from None

    def _parse(
        self, scene: Scene, clicks: Sequence[Click], translation: Translation
    ) -> tuple[NDArray[np.uint8], dict[int, float]]:
        """The label map in the config's ids, and the confidence of each."""
        parse = self.parser.parse(scene, clicks)
        scores = {
            translation.labels.id_of(name): float(np.clip(np.nan_to_num(parse.confidence[model_id]), 0, 1))
            for name, model_id in translation.model_ids.items()
        }
        return translation.from_model[parse.label_map], scores


def _targets(
    names: Sequence[str],
    config: LabellingConfig,
    translation: Translation,
    image: ImageTag,
    problems: list[Problem],
) -> dict[int, BrushTarget]:
    targets: dict[int, BrushTarget] = {}
    for name in names:
        target = config.brush_target(name, image.name)
        if target is None:
            problems.append(problem("label_config", name, "add this label to the <BrushLabels> of the image"))
        else:
            targets[translation.labels.id_of(name)] = target
    return targets


def _keep_inside_boxes(label_map: NDArray[np.uint8], standing: Standing, translation: Translation) -> None:
    """Cut a label drawn with boxes to them, unless a positive click outside says that it goes further."""
    height, width = label_map.shape
    for name, prompts in standing.prompts.items():
        boxes = [prompt.box for prompt in prompts if prompt.box is not None and prompt.positive]
        if not boxes or name not in translation.labels.names:
            continue
        inside = np.zeros((height, width), dtype=np.uint8)
        for box in boxes:
            inside |= box.mask(height, width)
        if all(_is_inside(prompt, inside) for prompt in prompts if prompt.box is None and prompt.positive):
            label_map[(label_map == translation.labels.id_of(name)) & (inside == 0)] = 0


def _is_inside(prompt: Prompt, inside: NDArray[np.uint8]) -> bool:
    click = prompt.to_click(0, *inside.shape)
    return bool(inside[click.y, click.x])


def _address(task: Mapping[str, Any], image: ImageTag) -> str:
    if image.data_key is None:
        return image.address
    data = task.get("data")
    address = data.get(image.data_key) if isinstance(data, dict) else None
    if not isinstance(address, str) or not address:
        remedy = f"import the task with the image's address under {image.data_key!r}, one address per image"
        raise RequestError(problem(f"data.{image.data_key}", address, remedy))
    return address


def _task_id(task: Mapping[str, Any]) -> str:
    """The task's id as text, "" for a task without one: such a task is answered without a memory."""
    task_id = task.get("id")
    return str(task_id) if isinstance(task_id, (int, str)) and not isinstance(task_id, bool) else ""


def _text(value: Any) -> str:
    return str(value)[:40]
