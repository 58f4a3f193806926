"""SharedBackend: the models, the memory of clicks and the inbox that everything in a process shares.

Concurrency: the first thread that asks opens it, the others wait for that one. What is in it is thread-safe.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from ihp_backend.label_studio.backend_settings import BackendSettings
from ihp_backend.label_studio.batches import Batches
from ihp_backend.label_studio.model_shelf import ModelShelf
from ihp_backend.label_studio.opening import open_batches, open_shelf
from ihp_backend.label_studio.predictions import Predictions
from ihp_backend.retraining.inbox import EVENTS, Inbox


@dataclass(frozen=True)
class Backend:
    """Which models serve, what answers tasks, and where events are recorded."""

    models: ModelShelf
    predictions: Predictions
    batches: Batches
    inbox: Inbox


def open_backend(settings: BackendSettings | None = None) -> Backend:
    """The model and the data folder that settings name; those of the environment if None.

    Raises:
        SettingsError: a setting cannot be used.
        CheckpointError: the model cannot.
        StorageError: the data folder's files cannot.
    """
    settings = settings or BackendSettings.from_environment()
    models = open_shelf(settings)
    batches = open_batches(settings, models)
    return Backend(models, batches.predictions, batches, Inbox(settings.data_dir / EVENTS))


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
