"""A simulated annotator: clicks in one task after the other, as Label Studio's page does, and thinks in between."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import requests

CAPTURE = Path(__file__).parents[1] / "captures" / "10_page_first_click.json"

LABELS: Final = (
    "Hair",
    "Face",
    "UpperClothes",
    "Pants",
    "LeftArm",
    "RightArm",
    "Coat",
    "LeftShoe",
    "RightShoe",
    "Background",
)
"""Clicked in this order, and then over again."""

MOST_TRIES: Final = 5
"""How often a click is sent at most while the server asks to come again."""


@dataclass(frozen=True)
class Photograph:
    """Where a photograph is fetched, and its size in pixels."""

    address: str
    height: int
    width: int


@dataclass(frozen=True)
class Answered:
    """What became of a click.

    Attributes:
        at: seconds from the beginning of the load at which it was made.
        seconds: until its answer, all tries included.
        first: whether it was the first in its task, for which the photograph is opened.
        refused: tries that were answered with 503.
        problem: why it has no mask; "" where it has one.
    """

    at: float
    seconds: float
    first: bool
    refused: int
    problem: str


class Annotator:
    """One annotator.

    Args:
        server: address of the backend.
        number: of the annotator; tasks and places of clicks follow from it.
        photographs: a task's photograph by the task's id.
        think: seconds between an answer and the next click.
        clicks: made in a task on average.
    """

    def __init__(
        self, server: str, number: int, photographs: Callable[[int], Photograph], think: float, clicks: int
    ) -> None:
        self._server, self._number, self._photographs = server, number, photographs
        self._think, self._clicks = think, clicks
        self._random = random.Random(number)
        self._session = requests.Session()
        self._body: dict[str, Any] = json.loads(CAPTURE.read_text())["request"]

    def work(self, began: float, ends: float) -> list[Answered]:
        """Clicks until ``ends``, by ``time.monotonic``, in tasks that no other annotator has."""
        answered: list[Answered] = []
        time.sleep(self._random.uniform(0, self._think))
        for task in range(self._number * 100_000, (self._number + 1) * 100_000):
            prompts: dict[str, list[dict[str, Any]]] = {}
            # As many as a task happens to need; else all annotators would open their next one at once.
            for click in range(self._random.randint(1, 2 * self._clicks - 1)):
                if time.monotonic() >= ends:
                    return answered
                label = LABELS[click % len(LABELS)]
                photograph = self._photographs(task)
                prompts.setdefault(label, []).append(self._prompt(label, photograph))
                asked = time.monotonic()
                refused, problem = self._ask(task, photograph, prompts[label])
                seconds = time.monotonic() - asked
                answered.append(Answered(asked - began, seconds, click == 0, refused, problem))
                time.sleep(self._think)
        return answered

    def _prompt(self, label: str, photograph: Photograph) -> dict[str, Any]:
        """A click somewhere in the middle of the photograph, where somebody stands."""
        place = {"x": self._random.uniform(30, 70), "y": self._random.uniform(10, 90), "width": 0.3}
        template = self._body["params"]["context"]["result"][0]
        return {
            **template,
            "id": f"{self._random.getrandbits(40):010x}",
            "original_width": photograph.width,
            "original_height": photograph.height,
            "value": {**place, "labels": [label], "keypointlabels": [label]},
        }

    def _ask(self, task: int, photograph: Photograph, prompts: list[dict[str, Any]]) -> tuple[int, str]:
        """How often the click was refused, and why it has no mask."""
        body = {
            **self._body,
            "tasks": [{**self._body["tasks"][0], "id": task, "data": {"image": photograph.address}}],
            "params": {**self._body["params"], "context": {"result": prompts}},
        }
        for refused in range(MOST_TRIES):
            try:
                answer = self._session.post(f"{self._server}/predict", json=body, timeout=120)
            except requests.RequestException as error:
                return refused, type(error).__name__
            if answer.status_code != 503:
                break
            time.sleep(float(answer.headers["Retry-After"]))
        if answer.status_code != 200:
            return refused, f"status {answer.status_code}"
        item = answer.json()["results"][0]
        return refused, str(item.get("error", "")) or ("" if item["result"] else "no region")
