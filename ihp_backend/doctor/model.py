"""The model: whole, loadable, and how long one click takes; the versions that fine-tuning jobs have made."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from ihp_backend.clicks import Click
from ihp_backend.doctor.finding import Finding
from ihp_backend.model_registry.versions import MODELS, open_versions
from ihp_backend.parsing.parser import Parser
from ihp_backend.server.server_settings import ServerSettings
from ihp_backend.storage.storage_error import StorageError


def model(settings: ServerSettings) -> Iterator[Finding]:
    """The base model is whole, loads and answers a click."""
    began = time.perf_counter()
    try:
        parser = Parser.from_pretrained(settings.model, engine=settings.engine)
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        yield Finding("model", "error", str(error), "correct IHP_MODEL and IHP_ENGINE, or install the backend again")
        return
    loaded = (time.perf_counter() - began) * 1000
    yield Finding("model", "ok", f"{parser.version}, {len(parser.labels)} labels, loaded", milliseconds=loaded)
    scene = parser.open(np.random.default_rng(0).integers(0, 256, (600, 400, 3), dtype=np.uint8))
    click = Click(200, 300, len(parser.labels) - 1)
    parser.parse(scene, [click])  # The first one prepares buffers.
    began = time.perf_counter()
    parser.parse(scene, [click])
    yield click_time("model click", "one click through the model", (time.perf_counter() - began) * 1000)


def versions(settings: ServerSettings) -> Iterator[Finding]:
    """Versions in service: whether each is as it was made."""
    root = settings.data_dir / MODELS
    if not root.is_dir():
        return
    store = open_versions(settings.places)
    for home in sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")):
        try:
            if version := store.current(home.name):
                store.check(home.name, version)
                yield Finding("model version", "ok", f"project {home.name} is served by {version}, which is whole")
        except StorageError as error:
            yield Finding("model version", "error", str(error), f"ihp models rollback {home.name}, then ihp train")


SLOW_CLICK = 3000.0
"""Milliseconds after which annotators lose patience, on a photograph of 600 x 400 pixels or one of their own."""

_REMEDY = "give the backend more cores, stop what else uses them, or serve on a GPU: ihp serve --engine torch"


def click_time(check: str, found: str, milliseconds: float, place: str = "here") -> Finding:
    """A click that was answered, named if it was slow; the arguments are those of ``Finding``."""
    if milliseconds > SLOW_CLICK:
        return Finding(check, "warning", found, _REMEDY, place, milliseconds)
    return Finding(check, "ok", found, "", place, milliseconds)
