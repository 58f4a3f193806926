"""ModelCache: the version that serves each project, looked up anew at every request and loaded when it changes.

Concurrency: one lock around the tables; a version is loaded outside it, once, while requests go on with the one before.
Every process has a model cache of its own, and all see the same promotions.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Protocol

from cachetools import LRUCache

from ihp_backend.label_studio.problems import Problem, problem
from ihp_backend.model_registry.versions import VersionStore
from ihp_backend.parsing.checkpoint import CheckpointError
from ihp_backend.parsing.parser import Parser
from ihp_backend.storage.storage_error import StorageError

logger = logging.getLogger(__name__)

MOST_TASKS = 5000
"""Tasks in work of which the model is remembered."""

TRIED_AGAIN = 60.0
"""Seconds after which a version that could not be loaded is tried again."""

_Stamp = Hashable | None
_UNKNOWN = "unknown"
"""The stamp of promotions that cannot be read at present."""


class ModelCache:
    """The models of all projects.

    Args:
        base: serves every project without a version of its own.
        versions: what was promoted.
        load: makes a parser of a model folder.
        note: is told what cannot be loaded.
    """

    def __init__(
        self,
        base: Parser,
        versions: VersionStore,
        load: Callable[[Path], Parser],
        note: Callable[[Problem], None] = lambda _: None,
    ) -> None:
        self._base, self._versions, self._load, self._note = base, versions, load, note
        self._lock, self._loading = threading.Lock(), threading.Lock()
        self._served: dict[str, tuple[_Stamp, Parser]] = {}
        self._refused: dict[str, tuple[_Stamp, float]] = {}
        self._tasks: LRUCache[tuple[str, str], Parser] = LRUCache(MOST_TASKS)

    def of_project(self, project: str) -> Parser:
        """The model that serves a project now; the one before if the present one cannot be loaded."""
        stamp = self._stamp(project)
        with self._lock:
            known, parser = self._served.get(project, (None, self._base))
            refused, when = self._refused.get(project, (None, 0.0))
        if stamp == known or (stamp == refused and time.monotonic() - when < TRIED_AGAIN):
            return parser
        # Requests that come while a model is loaded are answered by the one before.
        if not self._loading.acquire(blocking=False):
            return parser
        try:
            return self._change(project, stamp, parser)
        finally:
            self._loading.release()

    def of_task(self, project: str, task: str) -> Parser:
        """The model with which a task was begun."""
        current = self.of_project(project)
        with self._lock:
            return self._tasks.setdefault((project, task), current)

    def forget(self, project: str, task: str) -> None:
        """The task is done."""
        with self._lock:
            self._tasks.pop((project, task), None)

    def versions(self) -> list[str]:
        """The version of every model in service here, that of the base model first."""
        with self._lock:
            served = [parser.version for _, parser in self._served.values()]
        return list(dict.fromkeys([self._base.version, *served]))

    def _stamp(self, project: str) -> _Stamp:
        """Differs whenever the promotions of a project differ; None where there are none."""
        try:
            return self._versions.stamp(project)
        except StorageError:
            return _UNKNOWN

    def _change(self, project: str, stamp: _Stamp, before: Parser) -> Parser:
        try:
            version = self._versions.current(project)
            parser = self._base if version is None else self._load(self._versions.check(project, version))
        except (StorageError, CheckpointError) as error:
            logger.error("project %.40r: its version cannot serve, the one before goes on: %s", project, error)
            self._note(problem("version", project, str(error)))
            with self._lock:
                self._refused[project] = stamp, time.monotonic()
            return before
        logger.info("project %.40r is served by %s", project, parser.version)
        with self._lock:
            self._served[project] = stamp, parser
            self._refused.pop(project, None)
        return parser


class ServingModels(Protocol):
    """Knows the model of every project."""

    def of_project(self, project: str) -> Parser:
        """The model that serves a project now."""

    def of_task(self, project: str, task: str) -> Parser:
        """The model with which a task was begun, so that nothing changes under the annotator's hand."""

    def forget(self, project: str, task: str) -> None:
        """The task is done; begun again, it gets the model that serves then."""


class OneModel:
    """A model cache with one model for all projects."""

    def __init__(self, parser: Parser) -> None:
        self._parser = parser

    def of_project(self, project: str) -> Parser:
        """The model."""
        return self._parser

    def of_task(self, project: str, task: str) -> Parser:
        """The model."""
        return self._parser

    def forget(self, project: str, task: str) -> None:
        """Does nothing: one model is all there is."""
