"""Annotators who click and submit, each on a photograph of their own, and remember what was acknowledged."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any

import requests
from PIL import Image

from tests.pictures import picture

CONFIG = """<View><Image name="image" value="$image"/>
<KeyPointLabels name="kp" toName="image" smart="true"><Label value="Hat"/><Label value="Coat"/></KeyPointLabels>
<BrushLabels name="brush" toName="image"><Label value="Hat"/><Label value="Coat"/></BrushLabels></View>"""
PROJECT = 2


def photograph(task: int) -> str:
    """A drawn person as an address that holds it."""
    file = io.BytesIO()
    Image.fromarray(picture(task)[0]).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


@dataclass
class Annotator:
    """An annotator with auto-accept, so that the page sends each click by itself, once.

    Attributes:
        task: that is worked on.
        url: of the backend.
        clicks: ids of those that were answered.
        events: numbers of those that were acknowledged.
        failures: what was not answered as it should be.
        versions: that answered.
        seconds: that each click took.
        pause: seconds from an answer to the next click.
    """

    task: int
    url: str
    pause: float = 0.05
    clicks: list[str] = field(default_factory=list)
    events: list[int] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    versions: set[str] = field(default_factory=set)
    seconds: list[float] = field(default_factory=list)

    def click(self, number: int) -> None:
        """Clicks somewhere, on one label and then the other."""
        label, name = ("Hat", "Coat")[number % 2], f"t{self.task}c{number}"
        value = {"x": 10 + number * 7 % 80, "y": 10 + number * 13 % 80, "width": 0.2, "keypointlabels": [label]}
        made = {"id": name, "type": "keypointlabels", "from_name": "kp", "to_name": "image", "is_positive": True}
        result = [{**made, "original_width": 64, "original_height": 96, "image_rotation": 0, "value": value}]
        task = {"id": self.task, "annotations": [], "drafts": [], "data": {"image": photograph(self.task)}}
        body = {
            "tasks": [task],
            "project": f"{PROJECT}.1",
            "label_config": CONFIG,
            "params": {"context": {"result": result}},
        }
        answer = self._post("predict", body)
        if answer is None:
            return
        (item,) = answer.json()["results"]
        if "error" in item:
            self.failures.append(f"click {name}: {item['error']}")
        else:
            self.clicks.append(name)
            self.versions.add(item["model_version"])
            self.seconds.append(answer.elapsed.total_seconds())

    def submit(self, number: int) -> None:
        """Tells of work on another task, so that the clicks on this one stand."""
        annotation = {"id": 1000 * self.task + number, "task": 10_000 + self.task, "result": [], "completed_by": 1}
        annotation["updated_at"] = "2026-11-20T07:00:00Z"
        event = {
            "action": "ANNOTATION_CREATED",
            "project": {"id": PROJECT, "label_config": CONFIG},
            "annotation": annotation,
        }
        answer = self._post("webhook", event)
        if answer is not None:
            self.events.append(answer.json()["event"])

    def work(self, ended: Event) -> None:
        """Clicks, and submits after every fifth click, until it is ended."""
        number = 0
        while not ended.is_set():
            number += 1
            self.click(number)
            if number % 5 == 0:
                self.submit(number)
            ended.wait(self.pause)

    def _post(self, path: str, body: dict[str, Any]) -> requests.Response | None:
        try:
            answer = requests.post(f"{self.url}/{path}", json=body, timeout=30)
        except requests.RequestException as error:
            self.failures.append(f"{path}: {type(error).__name__}: {error}")
            return None
        if not answer.ok:
            self.failures.append(f"{path}: {answer.status_code}: {answer.text[:300]}")
            return None
        return answer


class Crowd:
    """Annotators who work side by side until the block ends.

    Args:
        url: of the backend.
        size: how many; each has the task of its number.
        pause: see ``Annotator``.
    """

    def __init__(self, url: str, size: int, pause: float = 0.05) -> None:
        self.annotators = [Annotator(task, url, pause) for task in range(1, size + 1)]
        self._ended = Event()
        self._threads = [Thread(target=annotator.work, args=(self._ended,)) for annotator in self.annotators]

    def __enter__(self) -> Crowd:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()
