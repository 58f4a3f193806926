"""Takes events from the inbox into the ledger."""

from __future__ import annotations

import logging

from ihp_backend.label_studio.annotation_events import changes
from ihp_backend.label_studio.loose_json import mended
from ihp_backend.retraining import Inbox, Ledger, StorageError

logger = logging.getLogger(__name__)


def digest(inbox: Inbox, ledger: Ledger) -> int:
    """Takes in all events that are new to the ledger; gives how many.

    May be killed at any point and run by several processes at a time: an event counts once.

    Raises:
        StorageError: inbox or ledger cannot be read or written.
    """
    taken = 0
    for event in inbox.events(after=ledger.digested):
        try:
            # Mended at the door, but perhaps not by the release that recorded it.
            taken += ledger.take(event.id, list(changes(mended(event.payload)[0])))
        except StorageError:
            raise
        except Exception:
            # Recorded for good, so that it can be taken in by hand; the events after it must not wait for that.
            logger.exception("event %d (%.40r) is not understood and left aside", event.id, event.kind)
            taken += ledger.take(event.id, [])
    return taken
