"""Reading prompts from Label Studio's records, and saying in words which records are none.

``<KeyPoint>`` with ``<Labels>`` sends each click twice, as "keypoint" and as "labels", with one id.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

from ihp_backend.label_studio.clicks.prompt_box import Box
from ihp_backend.label_studio.clicks.prompts import MOST_PROMPTS, Prompt, PromptRequest
from ihp_backend.label_studio.config.labelling_config import LabellingConfig
from ihp_backend.label_studio.config.pages import page_of
from ihp_backend.label_studio.config.tag_table import tag_of
from ihp_backend.label_studio.masks.sizes import stated_size
from ihp_backend.label_studio.problems import Problem, RequestError, problem

logger = logging.getLogger(__name__)

_WIDEST = 10_000.0  # percent; nobody draws a box a hundred times as wide as the photograph

_SEND = (
    "click with a smart <KeyPointLabels> or draw a box with a smart <RectangleLabels>; other smart tools are not "
    'answered, so write smart="false" into their tags'
)


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
    if records and not prompts and not problems:
        problems.append(problem("context.result", f"no click or box among {len(records)} records", _SEND))
    if elsewhere:
        logger.info("%d prompts on other images than %.40r, page %d left out", len(elsewhere), to_name, page)
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
        original_size=stated_size(first),
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
        if isinstance(record, dict) and tag_of(record.get("type")).is_shared
        if isinstance(record.get("id"), str) and isinstance(record.get("value"), dict)
    }
    others: dict[str, Problem] = {}
    for index, record in enumerate(records):
        kind = record.get("type") if isinstance(record, dict) else None
        if isinstance(kind, str) and tag_of(kind).prompt:
            try:
                read = _read_prompt(record, kind, config, signs, companions, f"{where}[{index}]", problems)
            except RequestError as error:
                problems.append(error.problem)
                continue
            if read is not None and read.id not in prompts:
                prompts[read.id] = read
        elif not tag_of(kind).is_shared:
            # Said once for each type, which may come a hundred times.
            others.setdefault(repr(kind), problem(f"{where}[{index}].type", kind, _SEND))
    return list(prompts.values()), [*problems, *others.values()]


def _read_prompt(
    record: Mapping[str, Any],
    kind: str,
    config: LabellingConfig,
    signs: Mapping[str, bool],
    companions: Mapping[str, Mapping[str, Any]],
    where: str,
    problems: list[Problem],
) -> Prompt | None:
    """The prompt of a record; None for an accepted mask to which the page gave a keypoint label.

    Raises:
        RequestError: it is no prompt. What is wrong with one that is usable is added to ``problems``.
    """
    value = record.get("value")
    if not isinstance(value, dict):
        raise RequestError(problem(f"{where}.value", value, "send the region's value as an object"))
    if tag_of(kind).prompt == "keypoint" and "x" not in value:
        return None
    prompt_id = record.get("id")
    named = value.get(kind) or value.get("labels") or companions.get(str(prompt_id), {}).get("labels")
    names = named if isinstance(named, list) else []
    labels = [label for name in names if (label := config.label_of(name))]
    if not labels:
        shown = names[0] if len(names) == 1 else named
        raise RequestError(problem(f"{where}.value.{kind}", shown, "choose a label of the labelling config"))
    label = labels[0]
    if len(names) > 1 and (set(labels) != {label} or len(labels) < len(names)):
        told = ", ".join(map(str, names))
        problems.append(problem(f"{where}.value.{kind}", told, f"only {label!r} was taken: choose one label per click"))
    numbers = {key: value.get(key, 0) for key in ("x", "y", "width", "height", "rotation")}
    for key, number in numbers.items():
        if not _is_number(number) or abs(number) > _WIDEST:
            raise RequestError(problem(f"{where}.value.{key}", number, "send a number, in percent of the image"))
    x, y = float(numbers["x"]), float(numbers["y"])
    positive = record.get("is_positive")
    if positive is None:
        positive = signs.get(str(prompt_id), True)
    if not isinstance(positive, bool):
        raise RequestError(problem(f"{where}.is_positive", positive, "send true or false"))
    if not isinstance(prompt_id, str) or not prompt_id:
        prompt_id = f"{label}:{x:g}:{y:g}"
    if tag_of(kind).prompt == "box":
        if numbers["width"] <= 0 or numbers["height"] <= 0:
            raise RequestError(
                problem(f"{where}.value", f"{numbers['width']} x {numbers['height']}", "draw a box with an area")
            )
        box = Box(x, y, float(numbers["width"]), float(numbers["height"]), float(numbers["rotation"]))
        if not box.is_on(*(stated_size(record) or (100, 100))):
            raise RequestError(
                problem(
                    f"{where}.value", f"a box at {x:g}, {y:g} percent", "draw the box on the image: it is beside it"
                )
            )
        return Prompt(prompt_id, label, x, y, positive, box)
    for key, number in (("x", x), ("y", y)):
        if not 0 <= number <= 100:
            raise RequestError(problem(f"{where}.value.{key}", number, "click inside the image: 0 to 100 percent"))
    return Prompt(prompt_id, label, x, y, positive)


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return isinstance(value, int) or math.isfinite(value)
