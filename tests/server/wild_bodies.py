"""Captured requests with wild values in them: `python -m tests.server.wild_bodies --bodies 20000 --seed 0`."""

from __future__ import annotations

import argparse
import copy
import json
import logging
import math
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from flask import Flask

from ihp_backend.finetuning.ingest import ingest
from ihp_backend.labels import LabelSet
from ihp_backend.server.app import create_app
from ihp_backend.server.server_settings import ServerSettings
from ihp_backend.server.state import EXTENSION, ServerState

from .stand_in import CAPTURES, StandInImages, StandInParser

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
TELLING = frozenset({
    "id", "project", "task", "tasks", "annotation", "annotations", "action", "label_config", "schema",
    "completed_by", "result", "type", "value", "labels", "keypointlabels", "brushlabels", "to_name",
    "from_name", "x", "y", "image", "data", "drafts", "user", "created_username", "is_positive", "params",
    "context", "original_width", "original_height", "image_rotation", "item_index", "updated_at",
    "hostname", "access_token", "prediction",
})  # fmt: skip
"""Names of fields that somebody reads."""
MASKS = ("rle", "touches")
DEEP = "@deep@"
"""Stands for lists deeper than this program's own JSON can write."""
ROUTES = ("/predict", "/setup", "/webhook")


class AnyLabelsParser(StandInParser):
    """A stand-in that speaks any labels and takes what is drawn, as the live network does."""

    def __init__(self) -> None:
        super().__init__()
        self.any_labels = True

    def with_labels(self, labels: LabelSet, ids: Mapping[str, int]) -> StandInParser:
        spoken = StandInParser(labels)
        spoken.parsed = self.parsed
        return spoken


def nested(levels: int) -> Any:
    """Lists and objects within each other."""
    value: Any = "\udfff"
    for level in range(levels):
        value = [value] if level % 2 else {"result": value}
    return value


def wild_value(chance: random.Random) -> Any:
    """Something that does not belong where it is put."""
    region = {"type": chance.choice(["brush", "ellipse", "rectangle", "keypoint"]), "value": {}}
    groups: list[list[Any]] = [
        [None, True, False, "", " ", [], {}, [[]], [{}], [None]],
        [0, -1, 0.5, -0.0, 1 << 31, 1 << 63, -(1 << 63) - 1, 10**400, 1e308, 1e-320, math.nan, math.inf, -math.inf],
        ["\0", "\ud800", "a\udfffb", "\udc00\ud800", ["\ud800"], {"\ud800": 1}, {"id": "\ud800"}, "ÿ€😀"],
        ["9" * 50, "9" * 5000, "x" * 70_000, "-1", "4.5", "../../x", "/etc/passwd", "a\nb", "NaN", "true"],
        [["Face"], [["Face"]], ["Face", "Hat"], [{"labels": ["Face"]}], {"Face": 1}, [1e400, -1], [0] * 1000],
        [{"id": [1]}, {"id": 2, "label_config": "\ud800"}, {"x": "1", "y": []}, {"result": [region]}, [region]],
        [nested(20), nested(150), DEEP, list(range(-2, 300)), {str(key): 1 for key in range(99)}],
        ["keypointlabels", "rectanglelabels", "labels", "brushlabels", "polygonlabels", "image", "kp", "Face"],
        ["ANNOTATION_CREATED", "ANNOTATIONS_DELETED", "TASKS_DELETED", "START_TRAINING", "PROJECT_UPDATED"],
        ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "<View/>", "<View", "http://[::1", "data:,"],
    ]
    return chance.choice(chance.choice(groups))


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every part of a JSON value; of masks only that of the first number."""
    if path:
        yield path
    if len(path) > 20:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner[:1] if key in MASKS and isinstance(inner, list) else inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from paths(inner, (*path, index))


def mutated(body: Any, chance: random.Random) -> Any:
    """A copy of a body with one to three of its parts replaced, taken out, doubled or renamed."""
    body = copy.deepcopy(body)
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        # Each kind of place has the same chance, however many of them there are, and those that matter have more.
        found: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
        for path in paths(body):
            found.setdefault(kind_of(path), []).append(path)
        if not found:
            return wild_value(chance)
        telling = [places for kind, places in found.items() if kind[-1] in TELLING] if chance.random() < 0.6 else []
        *before, last = chance.choice(chance.choice(telling or list(found.values())))
        parent = body
        for step in before:
            parent = parent[step]
        how = chance.random()
        if how < 0.8:
            parent[last] = wild_value(chance)
        elif how < 0.87:
            del parent[last]
        elif how < 0.94 and isinstance(parent, list):
            parent.insert(last, copy.deepcopy(parent[last]))
        elif isinstance(parent, dict):
            parent[chance.choice(["\ud800", "\0", "id", "value", "task", "annotations"])] = parent.pop(last)
    return body


def kind_of(path: tuple[Any, ...]) -> tuple[Any, ...]:
    """A path without the places in its lists."""
    return tuple("*" if isinstance(step, int) else step for step in path)


def each_place(value: Any) -> Iterator[tuple[str, tuple[Any, ...], bytes]]:
    """Route, path and body for each kind of place that somebody reads, with ``value`` there."""
    seen = set()
    for route, requests in captured().items():
        for request in requests:
            for path in paths(request):
                if path[-1] in TELLING and (route, kind_of(path)) not in seen:
                    seen.add((route, kind_of(path)))
                    body = copy.deepcopy(request)
                    parent = body
                    for step in path[:-1]:
                        parent = parent[step]
                    parent[path[-1]] = value
                    yield route, path, json.dumps(body).encode()


def captured() -> dict[str, list[Any]]:
    """The bodies that Label Studio was seen to send, by route."""
    by_route: dict[str, list[Any]] = {route: [] for route in ROUTES}
    for file in sorted(CAPTURES.glob("*.json")):
        request = json.loads(file.read_text())["request"]
        if isinstance(request, dict) and request:
            route = "/webhook" if "action" in request else "/setup" if "schema" in request else "/predict"
            by_route[route].append(request)
    return by_route


def encoded(body: Any, chance: random.Random) -> bytes:
    """A body as bytes: mostly as Label Studio writes it, sometimes otherwise, doubled, cut or damaged."""
    text = json.dumps(body, ensure_ascii=chance.random() < 0.8)
    text = text.replace(f'"{DEEP}"', "[" * 960 + "]" * 960)
    how = chance.random()
    if how < 0.03:
        text = text.replace("{", '{"id": "first", "action": "x", ', 1).replace("}", ', "id": [2]}', 1)
    data = text.encode(
        chance.choice(["utf-16", "utf-32", "utf-8-sig"]) if 0.03 < how < 0.06 else "utf-8", "surrogatepass"
    )
    if 0.06 < how < 0.09:
        place = chance.randrange(len(data) + 1)
        data = data[:place] + chance.choice([b"\xff", b"\xed\xa0\x80", b"\0", b"", b"[" * 5000]) + data[place:]
    return data[: chance.randrange(len(data) + 1)] if 0.09 < how < 0.1 else data


def wild_bodies(seed: int, bodies: int) -> Iterator[tuple[str, bytes]]:
    """So many routes with bodies for them."""
    chance = random.Random(seed)
    by_route = captured()
    for _ in range(bodies):
        route = chance.choice(ROUTES)
        request = chance.choice(by_route[route if chance.random() < 0.95 else chance.choice(ROUTES)])
        yield route, encoded(mutated(request, chance), chance)


def no_constant(name: str) -> Any:
    """For ``json.loads``: browsers cannot read NaN and Infinity."""
    raise AssertionError(f"{name} in JSON")


def names_an_action(body: bytes) -> bool:
    """Whether a webhook's body is an event, which must be stored whatever else is in it."""
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return False
    action = event.get("action") if isinstance(event, dict) else None
    return isinstance(action, str) and action != ""


@dataclass
class Storm:
    """What came of many bodies.

    Attributes:
        answers: how often each route answered with each code.
        failures: bodies that an error of the server answered, with the answer.
        slowest: seconds of the slowest answer.
    """

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    failures: list[tuple[str, bytes, str]] = field(default_factory=list)
    slowest: tuple[float, str, bytes] = (0.0, "", b"")

    def send(self, app: Flask, route: str, body: bytes) -> None:
        """Posts a body; an item of a prediction may fail, too."""
        began = time.monotonic()
        answer = app.test_client().post(route, data=body, content_type="application/json")
        self.slowest = max(self.slowest, (time.monotonic() - began, route, body))
        self.answers[route, answer.status_code] += 1
        text = answer.get_data(as_text=True)
        json.loads(text, parse_constant=no_constant)
        lost = route == "/webhook" and answer.status_code != 201 and names_an_action(body)
        if lost or answer.status_code not in (200, 201, 400) or "an error of this server" in text:
            self.failures.append((route, body, text))


def application(folder: Path, parser: StandInParser) -> Flask:
    """The real application around a stand-in model."""
    return create_app(cast(Any, parser), ServerSettings(data_dir=folder), images=cast(Any, StandInImages()))


def aftermath(app: Flask) -> int:
    """What must still work afterwards; the number of events that were taken in."""
    here: ServerState = app.extensions[EXTENSION]
    client = app.test_client()
    told = json.loads(client.get("/status").get_data(), parse_constant=no_constant)
    assert told["status"] == "UP"
    assert client.get("/status", headers=BROWSER).status_code == 200
    taken = ingest(here.inbox, here.workspace.annotation_store)
    assert here.workspace.annotation_store.ingested == sum(1 for _ in here.inbox.events())
    assert client.get("/status").status_code == client.get("/status", headers=BROWSER).status_code == 200
    return taken


def _memory() -> float:
    """MiB that this process holds."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def main() -> None:
    """Sends them and prints what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bodies", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    records: Counter[str] = Counter()

    class Tracebacks(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.exc_info:
                records[f"{record.name}: {record.exc_info[0].__name__ if record.exc_info[0] else ''}"] += 1

    logging.getLogger().addHandler(Tracebacks())
    logging.getLogger().setLevel(logging.WARNING)
    storm = Storm()
    with TemporaryDirectory() as folder:
        parsers = (StandInParser(), AnyLabelsParser())
        apps = [application(Path(folder) / str(number), each) for number, each in enumerate(parsers)]
        for number, (route, body) in enumerate(wild_bodies(arguments.seed, arguments.bodies)):
            if number in (0, arguments.bodies // 10, arguments.bodies // 2):
                print(f"memory after {number} bodies: {_memory():.0f} MiB", flush=True)
            storm.send(apps[number % 2], route, body)
            for each in parsers:  # What the stand-ins keep for tests, no server keeps.
                each.opened.clear()
                each.parsed.clear()
        print(f"memory at the end: {_memory():.0f} MiB")
        print("events taken in:", [aftermath(app) for app in apps])
    for (route, code), times in sorted(storm.answers.items()):
        print(f"{route} {code}: {times}")
    print(f"slowest: {storm.slowest[0]:.2f} s, {storm.slowest[1]} {storm.slowest[2][:200]!r}")
    print("tracebacks in the log:", dict(records))
    for route, body, text in storm.failures[:20]:
        print("FAILED", route, body[:3000], text[:1500])
    print(len(storm.failures), "failures")


if __name__ == "__main__":
    main()
