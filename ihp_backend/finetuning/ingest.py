"""Ingest: annotations go into the annotation store, from events or from asking Label Studio."""

from __future__ import annotations

import logging
import time

from ihp_backend.annotation_store.changes import Configured
from ihp_backend.annotation_store.event_inbox import EventInbox
from ihp_backend.annotation_store.store import AnnotationStore
from ihp_backend.label_studio.annotations.annotation_events import changes, listed
from ihp_backend.label_studio.api.client import LabelStudio
from ihp_backend.label_studio.loose_json import mended
from ihp_backend.storage.sqlite import StorageError

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


def sync(client: LabelStudio, store: AnnotationStore, project: str) -> int:
    """Asks for all annotations of a project; gives the number of differences.

    Nothing is changed unless everything was listed.

    Raises:
        ApiError: Label Studio did not list them.
        StorageError: the annotation store cannot be written.
    """
    asked = time.time()
    config, _ = mended(client.project(project)["label_config"])
    tasks = client.tasks(project, PAGE, fields="all")
    annotations = listed(project, (mended(task)[0] for task in tasks))
    if config and config != store.config(project):
        store.note(Configured(project, config))
    return store.reconcile(project, annotations, asked)
