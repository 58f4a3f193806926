"""Shared backend: the model cache and what answers tasks with it, opened once per process from the settings."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from ihp_backend.annotation_store.event_inbox import EVENTS, EventInbox
from ihp_backend.label_studio.backend_settings import BackendSettings
from ihp_backend.label_studio.clicks.click_memory import CLICKS_FILE, ClickMemory
from ihp_backend.label_studio.predict.batches import Batches
from ihp_backend.label_studio.predict.model_cache import ModelCache
from ihp_backend.label_studio.predict.predictions import Predictions
from ihp_backend.label_studio.predict.scene_cache import open_scene_cache
from ihp_backend.label_studio.problems import Problem
from ihp_backend.label_studio.web.images import ImageSource
from ihp_backend.model_registry.versions import open_versions
from ihp_backend.parsing.parser import Parser


def open_model_cache(
    settings: BackendSettings, base: Parser | None = None, note: Callable[[Problem], None] = lambda _: None
) -> ModelCache:
    """The models of all projects.

    Args:
        settings: name the base model, the engine and the data folder, which is created where it is missing.
        base: the base model, if it is loaded already.
        note: is told which versions cannot be loaded.

    Raises:
        SettingsError: the data folder cannot be written to.
        CheckpointError: the base model cannot be used.
        StorageError: the versions in the data folder cannot.
    """
    load = partial(Parser.from_pretrained, engine=settings.engine)
    settings.prepare_data_dir()
    versions = open_versions(settings.places)
    return ModelCache(load(settings.model) if base is None else base, versions, load, note)


def open_batches(settings: BackendSettings, models: ModelCache, images: ImageSource | None = None) -> Batches:
    """Batches that answer requests with these models, and clicks with their ``predictions``.

    Args:
        settings: of photographs and batches, and the data folder, where active prompts are kept.
        models: from ``open_model_cache``.
        images: fetches photographs; by default as the settings say.

    Raises:
        StorageError: the active prompts in the data folder cannot be used.
    """
    memory = ClickMemory(settings.places.tables(CLICKS_FILE))
    scenes = open_scene_cache(settings.scenes, settings.data_dir)
    return Batches(Predictions(models, images or ImageSource(settings.images), memory, scenes), settings.batches)


@dataclass(frozen=True)
class Backend:
    """Backend: the models that serve, what answers tasks, and the event inbox."""

    models: ModelCache
    predictions: Predictions
    batches: Batches
    inbox: EventInbox


def open_backend(settings: BackendSettings | None = None) -> Backend:
    """The model and the data folder that settings name; those of the environment if None.

    Raises:
        SettingsError: a setting cannot be used.
        CheckpointError: the model cannot.
        StorageError: the data folder's files cannot.
    """
    settings = settings or BackendSettings.from_environment()
    models = open_model_cache(settings)
    batches = open_batches(settings, models)
    return Backend(models, batches.predictions, batches, EventInbox(settings.places.tables(EVENTS)))


class SharedBackend:
    """Opens a backend once, when it is first asked for; after a failure the next one who asks tries again.

    Args:
        opener: makes it.
    """

    def __init__(self, opener: Callable[[], Backend] = open_backend) -> None:
        self._opener = opener
        self._lock = threading.Lock()
        self._backend: Backend | None = None

    def get(self) -> Backend:
        """The backend; raises what ``opener`` raises."""
        with self._lock:
            if self._backend is None:
                self._backend = self._opener()
            return self._backend
