"""What settings name, opened: the shelf of models, and what answers tasks with them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ihp_backend.label_studio.backend_settings import BackendSettings
from ihp_backend.label_studio.batches import Batches
from ihp_backend.label_studio.clicks.click_memory import CLICKS_FILE, ClickMemory
from ihp_backend.label_studio.model_shelf import ModelShelf
from ihp_backend.label_studio.predictions import Predictions
from ihp_backend.label_studio.problems import Problem
from ihp_backend.label_studio.web.images import ImageSource
from ihp_backend.parsing.parser import Parser
from ihp_backend.retraining.versions import MODELS, VersionStore


def open_shelf(
    settings: BackendSettings, base: Parser | None = None, note: Callable[[Problem], None] = lambda _: None
) -> ModelShelf:
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
    versions = VersionStore(settings.prepare_data_dir() / MODELS)
    return ModelShelf(load(settings.model) if base is None else base, versions, load, note)


def open_batches(settings: BackendSettings, models: ModelShelf, images: ImageSource | None = None) -> Batches:
    """What answers requests with these models, and clicks with its ``predictions``.

    Args:
        settings: of photographs and batches, and the data folder, where standing clicks are kept.
        models: from ``open_shelf``.
        images: fetches photographs; by default as the settings say.

    Raises:
        StorageError: the standing clicks in the data folder cannot be used.
    """
    memory = ClickMemory(settings.data_dir / CLICKS_FILE)
    return Batches(Predictions(models, images or ImageSource(settings.images), memory), settings.batches)
