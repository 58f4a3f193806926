"""Prompts: what annotators point at, read from Label Studio's results.

Label Studio measures in percent of the image; a prompt stays in percent until the photograph's size is known.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ihp_backend.clicks import Click
from ihp_backend.label_studio.clicks.box import Box
from ihp_backend.label_studio.config.labelling_config import LabellingConfig
from ihp_backend.label_studio.config.pages import page_of
from ihp_backend.label_studio.problems import Problem, problem

logger = logging.getLogger(__name__)

MOST_PROMPTS = 1000
"""Prompts kept per task; the oldest give way."""

KEYPOINT_TYPES = ("keypointlabels", "keypoint")
BOX_TYPES = ("rectanglelabels", "rectangle")
_WIDEST = 10_000.0  # percent; nobody draws a box a hundred times as wide as the photograph


@dataclass(frozen=True)
class Prompt:
    """A keypoint or a box that stands on a photograph.

    Attributes:
        id: Label Studio's id of the region.
        label: label value of the labelling config.
        x, y: place in percent of the image's width and height, 0..100; a box's corner.
        positive: False says "this is not that label".
        box: the rectangle, None for a keypoint.
    """

    id: str
    label: str
    x: float
    y: float
    positive: bool = True
    box: Box | None = None

    def to_click(self, label: int, height: int, width: int) -> Click:
        """The click for an image of that size: the keypoint's pixel, or the middle of the box.

        100 % is the far edge of the last pixel and falls on it.
        """
        x, y = self.x / 100 * width, self.y / 100 * height
        if self.box is not None:
            x, y = self.box.corners(height, width).mean(axis=0)
        return Click(
            x=min(max(math.floor(x), 0), width - 1),
            y=min(max(math.floor(y), 0), height - 1),
            label=label,
            positive=self.positive,
        )


@dataclass(frozen=True)
class PromptRequest:
    """An interactive request.

    Attributes:
        prompts: the usable prompts, oldest first, each id once.
        problems: why others were refused.
        to_name: the image tag they are on, None when there is no usable prompt.
        original_size: (height, width) as the browser saw the photograph, None if not said.
        image_rotation: degrees, to be echoed.
        page: of the image tag, where it has several photographs.
    """

    prompts: tuple[Prompt, ...]
    problems: tuple[Problem, ...] = ()
    to_name: str | None = None
    original_size: tuple[int, int] | None = None
    image_rotation: int | float = 0
    page: int = 0

    @property
    def place(self) -> str:
        """Name of the photograph within its task."""
        return (self.to_name or "") + (f"[{self.page}]" if self.page else "")


def read_request(results: Sequence[Any], config: LabellingConfig, signs: Mapping[str, bool]) -> PromptRequest:
    """Read ``params.context.result`` of an interactive request.

    Args:
        results: the records as they came; whatever they hold, nothing is raised.
        config: names the labels and image tags.
        signs: region id -> positive, from drafts and annotations, for records that came without ``is_positive``.
    """
    prompts, problems = read_prompts(results, config, signs, "context.result")
    records = [record for record in results if isinstance(record, dict)]
    chosen = {prompt.id for prompt in prompts}
    first = next((record for record in records if str(record.get("id")) in chosen), records[0] if records else {})
    to_name = first.get("to_name")
    if to_name is None and len(config.images) == 1:
        to_name = config.images[0].name
    on_image = [record for record in records if record.get("to_name", to_name) == to_name]
    # The newest click comes last, and its page is the one that is shown.
    page = next((page_of(record) for record in reversed(on_image) if str(record.get("id")) in chosen), 0)
    on_page = [record for record in on_image if page_of(record) == page]
    first = next((record for record in on_page if str(record.get("id")) in chosen), first)
    here = {str(record.get("id")) for record in on_page}
    elsewhere = {str(record.get("id")) for record in records} - here
    if elsewhere:
        logger.info("%d prompts on other images than %s, page %d left out", len(elsewhere), to_name, page)
    kept = [prompt for prompt in prompts if prompt.id not in elsewhere]
    if len(kept) > MOST_PROMPTS:
        problems.append(
            problem("context.result", f"{len(kept)} prompts", f"only the newest {MOST_PROMPTS} are used; remove some")
        )
    rotation = first.get("image_rotation")
    return PromptRequest(
        prompts=tuple(kept[-MOST_PROMPTS:]),
        problems=tuple(problems),
        to_name=to_name if isinstance(to_name, str) else None,
        original_size=_size(first),
        image_rotation=rotation if rotation is not None and _is_number(rotation) else 0,
        page=page,
    )


def read_prompts(
    records: Sequence[Any], config: LabellingConfig, signs: Mapping[str, bool], where: str
) -> tuple[list[Prompt], list[Problem]]:
    """The keypoints and boxes among ``records``, each id once, and why others were refused.

    ``<KeyPoint>`` with ``<Labels>`` sends each click twice, as "keypoint" and as "labels", with one id.
    """
    prompts: dict[str, Prompt] = {}
    problems: list[Problem] = []
    companions = {
        record["id"]: record["value"]
        for record in records
        if isinstance(record, dict) and record.get("type") == "labels"
        if isinstance(record.get("id"), str) and isinstance(record.get("value"), dict)
    }
    for index, record in enumerate(records):
        kind = record.get("type") if isinstance(record, dict) else None
        if kind in KEYPOINT_TYPES or kind in BOX_TYPES:
            read = _read_prompt(record, kind, config, signs, companions, f"{where}[{index}]")
            if isinstance(read, Problem):
                problems.append(read)
            elif read is not None and read.id not in prompts:
                prompts[read.id] = read
        elif kind != "labels":
            logger.debug("%s[%d] of type %.40r is no prompt, left out", where, index, kind)
    return list(prompts.values()), problems


def _read_prompt(
    record: Mapping[str, Any],
    kind: str,
    config: LabellingConfig,
    signs: Mapping[str, bool],
    companions: Mapping[str, Mapping[str, Any]],
    where: str,
) -> Prompt | Problem | None:
    value = record.get("value")
    if not isinstance(value, dict):
        return problem(f"{where}.value", value, "send the region's value as an object")
    if kind in KEYPOINT_TYPES and "x" not in value:
        return None  # an accepted mask to which the page gave a keypoint label: no click
    prompt_id = record.get("id")
    labels = value.get(kind) or value.get("labels") or companions.get(str(prompt_id), {}).get("labels")
    name = labels[0] if isinstance(labels, list) and labels and isinstance(labels[0], str) else None
    label = config.label_of(name) if name is not None else None
    if label is None:
        return problem(f"{where}.value.{kind}", name or labels, "choose a label of the labelling config")
    numbers = {key: value.get(key, 0) for key in ("x", "y", "width", "height", "rotation")}
    for key, number in numbers.items():
        if not _is_number(number) or abs(number) > _WIDEST:
            return problem(f"{where}.value.{key}", number, "send a number, in percent of the image")
    x, y = float(numbers["x"]), float(numbers["y"])
    positive = record.get("is_positive")
    if positive is None:
        positive = signs.get(str(prompt_id), True)
    if not isinstance(positive, bool):
        return problem(f"{where}.is_positive", positive, "send true or false")
    if not isinstance(prompt_id, str) or not prompt_id:
        prompt_id = f"{label}:{x:g}:{y:g}"
    if kind in BOX_TYPES:
        if numbers["width"] <= 0 or numbers["height"] <= 0:
            return problem(f"{where}.value", f"{numbers['width']} x {numbers['height']}", "draw a box with an area")
        box = Box(x, y, float(numbers["width"]), float(numbers["height"]), float(numbers["rotation"]))
        return Prompt(prompt_id, label, x, y, positive, box)
    for key, number in (("x", x), ("y", y)):
        if not 0 <= number <= 100:
            return problem(f"{where}.value.{key}", number, "click inside the image: 0 to 100 percent")
    return Prompt(prompt_id, label, x, y, positive)


def _size(record: Mapping[str, Any]) -> tuple[int, int] | None:
    height, width = record.get("original_height"), record.get("original_width")
    if type(height) is int and type(width) is int and height > 0 and width > 0:
        return height, width
    return None


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return isinstance(value, int) or math.isfinite(value)
