"""Ingest: annotations go into the annotation store, from events or from asking Label Studio."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

from ihp_backend.annotation_store.changes import Configured, TasksWithdrawn
from ihp_backend.annotation_store.event_inbox import EventInbox
from ihp_backend.annotation_store.store import AnnotationStore
from ihp_backend.label_studio.annotations.annotation_events import changes, listed
from ihp_backend.label_studio.api.client import ApiError, LabelStudio
from ihp_backend.label_studio.loose_json import mended
from ihp_backend.storage.storage_error import StorageError

logger = logging.getLogger(__name__)


def ingest(inbox: EventInbox, store: AnnotationStore) -> int:
    """Takes in all events that are new to the annotation store; gives how many.

    May be killed at any point and run by several processes at a time: an event counts once.

    Raises:
        StorageError: event inbox or annotation store cannot be read or written.
    """
    taken = 0
    for event in inbox.events(after=store.ingested):
        try:
            # Mended at the door, but perhaps not by the release that recorded it.
            taken += store.take(event.id, list(changes(mended(event.payload)[0])))
        except StorageError:
            raise
        except Exception:
            # Recorded for good, so that it can be taken in by hand; the events after it must not wait for that.
            logger.exception("event %d (%.40r) is not understood and left aside", event.id, event.kind)
            taken += store.take(event.id, [])
    return taken


PAGE = 50
"""Tasks asked for at a time; with their annotations and predictions they may have a megabyte each."""

MOST_ASKED_FOR = 200
"""Tasks that are asked for one by one; the others wait for the next time."""


def sync(client: LabelStudio, store: AnnotationStore, project: str) -> int:
    """Asks for all annotations of a project; gives the number of differences.

    Nothing is changed unless everything was listed. Tasks that are not listed any more are asked for one by one: that
    they were deleted counts only if Label Studio says so of each.

    Raises:
        ApiError: Label Studio did not list them.
        StorageError: the annotation store cannot be written.
    """
    asked = time.time()
    config, _ = mended(client.project(project)["label_config"])
    tasks = client.tasks(project, PAGE, fields="all")
    seen = set[int]()
    annotations = listed(project, (_noted(mended(task)[0], seen) for task in tasks))
    if config and config != store.config(project):
        store.note(Configured(project, config))
    different = store.reconcile(project, annotations, asked)
    try:
        for task in sorted(store.tasks(project) - seen)[:MOST_ASKED_FOR]:
            if not client.exists(f"/api/tasks/{task}/"):
                store.note(TasksWithdrawn(project, (task,)))
    except ApiError as error:
        logger.warning("project %s: whether tasks were deleted is not known: %s", project, error)
    return different


def _noted(task: Mapping[str, Any], seen: set[int]) -> Mapping[str, Any]:
    if isinstance(number := task.get("id"), int):
        seen.add(number)
    return task
