"""A few photographs of a project, on the way that they take at a click: Label Studio, backend, model."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from PIL import Image

from ihp_backend.doctor.calling import NoAnswer
from ihp_backend.doctor.case import Case, Project
from ihp_backend.doctor.finding import Finding
from ihp_backend.doctor.model import click_time
from ihp_backend.label_studio.api.client import Record
from ihp_backend.label_studio.config.config_tags import ImageTag
from ihp_backend.label_studio.config.labelling_config import LabellingConfig, parse_labelling_config
from ihp_backend.label_studio.config.pages import addresses
from ihp_backend.label_studio.config.tag_table import tag_of
from ihp_backend.label_studio.predict.parser_requests import config_of_task
from ihp_backend.label_studio.problems import Problem, RequestError
from ihp_backend.label_studio.web.image_errors import ImageFetchError, shown
from ihp_backend.label_studio.web.images import ImageSource

LARGE_PIXELS, LARGE_BYTES = 12_000_000, 10 << 20
"""Above them annotators wait noticeably for the photograph and for every mask."""

_CLOUD = ("s3://", "gs://", "azure-blob://")


def photographs(case: Case, project: Project, backend_url: str | None, label: str | None) -> Iterator[Finding]:
    """Fetches the photograph of each task of the sample for its size, and lets the backend answer a click on it.

    Of a task with several, shown as pages, it is the first one, as that is where the click is made.

    Args:
        backend_url: of a backend that answers; None for none.
        label: a label that the model knows; None for none.
    """
    place = project.place
    config = parse_labelling_config(project.config)
    if not config.from_task and not any(image.from_task for image in config.images):
        return
    if not project.tasks:
        yield Finding("photographs", "warning", "no tasks", "import photographs into the project", place)
        return
    source = ImageSource(replace(case.settings.images, cache_dir=None))
    click = None
    for task in project.tasks:
        problems: list[Problem] = []
        seen = _see(project, task, label, problems)
        yield from (_named(wrong, task, place) for wrong in problems)
        if seen is None:
            continue
        here = _from_here(source, seen.address, task, place)
        answered = _through_the_backend(case, backend_url, project, seen) if backend_url and seen.label else None
        # The backend may fetch what this command may not, and what it fetches is what counts.
        if here.level != "error" or answered is None:
            yield here
        if answered is not None:
            yield answered
            click = click or (seen if answered.level == "ok" and not seen.address.startswith(_CLOUD) else None)
    if backend_url and click:
        yield _second_click(case, backend_url, project, click)
    if project.task_count > len(project.tasks):
        found = f"{len(project.tasks)} of {project.task_count} tasks were looked at: from the beginning, middle and end"
        yield Finding("photographs", "ok", found, "", place)


@dataclass(frozen=True)
class _Seen:
    """A task as the editor shows it: its config, the first photograph, and a label to click, None for none."""

    task: Record
    config: LabellingConfig
    image: ImageTag
    address: str
    label: str | None


def _see(project: Project, task: Record, label: str | None, problems: list[Problem]) -> _Seen | None:
    """A task as the editor shows it, or None, and what is wrong with it."""
    try:
        config = config_of_task(project.config, task)
        problems += config.problems
        image = next((image for image in config.images if image.from_task), config.images[0])
        pages = addresses(task, image)
        if not all(pages):
            remedy = "import the task with one address per image"
            raise RequestError(Problem(image.field, f"image {pages.index('')} has no address", remedy))
    except RequestError as error:
        problems.append(error.problem)
        return None
    if config.from_task and label not in config.labels:
        label = next((name for name in config.labels if config.mask_target(name, image.name)), None)
    return _Seen(task, config, image, pages[0], label)


def _named(wrong: Problem, task: Record, place: str) -> Finding:
    found = f"task {task.get('id')}: {wrong.value}"
    if wrong.field.startswith("data."):
        found = f"task {task.get('id')} has no {wrong.field.removeprefix('data.')!r} that can be used: {wrong.value}"
    return Finding("photograph", "error", found, wrong.remedy, place)


def _from_here(source: ImageSource, address: str, task: Record, place: str) -> Finding:
    began = time.perf_counter()
    try:
        content = source.fetch(address, task_id=int(task["id"]))
    except ImageFetchError as error:
        found, _, remedy = str(error).partition("; ")
        return Finding("photograph", "error", f"task {task['id']}: {found}", remedy, place)
    took = (time.perf_counter() - began) * 1000
    try:
        with Image.open(io.BytesIO(content)) as image:
            width, height = image.size
    except Exception as error:  # Pillow raises about everything on damaged files.
        found = f"task {task['id']}: {shown(address)} is no photograph ({type(error).__name__})"
        return Finding("photograph", "error", found, "save it as JPEG or PNG and import it again", place)
    found = f"task {task['id']}: {width} x {height} pixels, {len(content) / 1000:.0f} kB, fetched from here"
    if width * height > LARGE_PIXELS or len(content) > LARGE_BYTES:
        remedy = "scale photographs down before importing them: 2000 pixels on the longer side are enough for clicks"
        return Finding("photograph", "warning", f"{found}: large", remedy, place, took)
    return Finding("photograph", "ok", found, "", place, took)


def _through_the_backend(case: Case, url: str, project: Project, seen: _Seen) -> Finding:
    # Only Label Studio opens clouds, by the task's number, and clicks on a numbered task are remembered.
    asked = _batch(project, seen.task) if seen.address.startswith(_CLOUD) else _click(project, seen)
    what = f"task {seen.task.get('id')}: through the backend: fetched or found in its cache, opened and parsed"
    return _asked(case, url, project, asked, what, "first click")


def _second_click(case: Case, url: str, project: Project, seen: _Seen) -> Finding:
    finding = _asked(case, url, project, _click(project, seen), f"click of {seen.label!r} on an opened photograph")
    if finding.level != "ok" or finding.milliseconds is None:
        return finding
    return click_time(finding.check, finding.found, finding.milliseconds, project.place)


def _asked(case: Case, url: str, project: Project, body: dict[str, Any], what: str, check: str = "click") -> Finding:
    try:
        answer = case.ask("POST", f"{url}/predict", body, patience=100.0)
    except NoAnswer as error:
        return Finding(check, "error", str(error), error.error.remedy("ihp serve", "--backend"), project.place)
    results = answer.content.get("results") if answer.ok and isinstance(answer.content, dict) else None
    if not isinstance(results, list) or not results or not isinstance(results[0], dict):
        found = f"{url}/predict answered status {answer.status}: {answer.detail}"
        return Finding(check, "error", found, "look into the log of ihp serve", project.place)
    problem = results[0].get("error")
    if isinstance(problem, dict) and str(problem.get("field", "")).startswith("data."):
        found, _, remedy = str(problem.get("remedy", "")).partition("; ")
        found = f"{what.partition(':')[0]}, asked by the backend: {found}"
        return Finding("photograph", "error", found, remedy, project.place)
    if isinstance(problem, dict) and problem.get("field") == "label_config":
        found = f"{what.partition(':')[0]}, asked by the backend: {problem.get('value')}"
        return Finding("labels", "warning", found, str(problem.get("remedy", "")), project.place)
    return Finding(check, "ok", what, "", project.place, answer.milliseconds)


def _batch(project: Project, task: Record) -> dict[str, Any]:
    one = {"id": task.get("id"), "data": task.get("data")}
    return {"tasks": [one], "project": str(project.id), "label_config": project.config, "params": {"context": None}}


def _click(project: Project, seen: _Seen) -> dict[str, Any]:
    """A click in the middle, on a task without a number, so that nobody remembers it."""
    kinds = [tool for tool in seen.config.prompts if tag_of(tool.type).prompt == "keypoint"]
    kind = next((tool for tool in kinds if tool.to_name == seen.image.name), None)
    record = {
        "id": "doctor",
        "type": "keypointlabels",
        "from_name": kind.name if kind else "click",
        "to_name": seen.image.name,
        "is_positive": True,
        "value": {"x": 50.0, "y": 50.0, "width": 0.3, "labels": [seen.label], "keypointlabels": [seen.label]},
    }
    body = {**_batch(project, seen.task), "params": {"context": {"result": [record]}}}
    return {**body, "tasks": [{"data": seen.task.get("data")}]}
