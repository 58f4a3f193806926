"""Workspace: where everything that belongs to fine-tuning jobs lies below the data folder."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from ihp_backend.annotation_store.event_inbox import EVENTS, EventInbox
from ihp_backend.annotation_store.store import AnnotationStore
from ihp_backend.finetuning.accepted_index import Index
from ihp_backend.finetuning.accepted_set import AcceptedSet, Policy
from ihp_backend.finetuning.ingest import ingest
from ihp_backend.finetuning.photograph_store import PhotographStore
from ihp_backend.finetuning.progress import Progress
from ihp_backend.label_studio.clicks.click_memory import CLICKS_FILE, ClickMemory
from ihp_backend.label_studio.web.image_settings import ImageSettings
from ihp_backend.label_studio.web.images import ImageSource
from ihp_backend.model_registry.versions import MODELS, open_versions
from ihp_backend.storage.documents import Documents
from ihp_backend.storage.owner_only import close_to_others
from ihp_backend.storage.places import Places
from ihp_backend.storage.storage_error import StorageError

logger = logging.getLogger(__name__)

STORE, PHOTOGRAPHS, ACCEPTED, JOBS = "ledger.sqlite", "photographs", "accepted", "lessons"

RESTORING = ".restoring"
"""The file in a data folder that says that a backup is being restored."""

_FILES = (EVENTS, STORE, CLICKS_FILE, f"{PHOTOGRAPHS}.sqlite")
_FOLDERS = (PHOTOGRAPHS, ACCEPTED, JOBS, MODELS, "cache")


class Workspace:
    """The stores, created where they are missing; may be opened by any number of processes.

    Args:
        places: where they are; a folder is a data folder (``IHP_DATA_DIR``) that has them all, and must exist.
        restoring: whether they may be what an interrupted restoration of a backup left.

    Raises:
        StorageError: one of them cannot be opened.
    """

    def __init__(self, places: Places | Path, *, restoring: bool = False) -> None:
        self.places = places if isinstance(places, Places) else Places(places)
        self.data_dir = self.places.data_dir
        if not restoring and (note := self.data_dir / RESTORING).exists():
            raise StorageError(
                f"data_dir: {note} says that a backup is being restored, or that this was interrupted; give ihp "
                "restore with that backup again"
            )
        self.inbox = EventInbox(self.places.tables(EVENTS))
        self.annotation_store = AnnotationStore(self.places.tables(STORE))
        # Where the inbox's file was removed, its next events must not pass for those that were taken in.
        self.inbox.number_above(self.annotation_store.ingested)
        self.photographs = PhotographStore(
            self.places.folder(PHOTOGRAPHS), self.places.database, self.places.remote("photographs", PHOTOGRAPHS)
        )
        self.versions = open_versions(self.places)

    def accepted(self, project: str) -> AcceptedSet:
        """The accepted set of a project."""
        folder = self.data_dir / ACCEPTED / project
        return AcceptedSet(folder, self.photographs, self.places.documents(ACCEPTED, project))

    def job_folder(self, project: str) -> Path:
        """Folder of a project's fine-tuning job on this machine."""
        return self.data_dir / JOBS / project

    def job_documents(self, project: str) -> Documents:
        """What is known of a project's fine-tuning jobs, its ``TrainedState`` included."""
        return self.places.documents(JOBS, project)

    def progress(self, project: str) -> Progress:
        """Progress of a project's fine-tuning job, and the outcome of the earlier ones."""
        return Progress(self.job_folder(project), self.job_documents(project))

    def click_memory(self) -> ClickMemory:
        """The clicks that stand on each task."""
        return ClickMemory(self.places.tables(CLICKS_FILE))

    def bring_up_to_date(self, project: str, images: ImageSettings, policy: Policy = "newest") -> Index:
        """Takes in what is new in the event inbox and makes the accepted set what the annotation store says then.

        Raises:
            StorageError, AcceptedError: see ``AcceptedSet.update``.
        """
        ingest(self.inbox, self.annotation_store)
        accepted = self.accepted(project)
        with accepted.alone():
            return accepted.update(self.annotation_store, project, _fetcher(images), policy)


def close_data_folder(data_dir: Path) -> None:
    """Closes a data folder to everybody but its owner, as earlier releases did not; it is logged.

    Nothing else in the folder is touched, nor the folder itself: it may have been given by mistake.
    """
    files = [data_dir / f"{name}{of}" for name in _FILES for of in ("", "-wal", "-shm")]
    closed = close_to_others([*files, *(data_dir / name for name in _FOLDERS)])
    if closed:
        logger.warning(
            "data_dir: %d files and folders in %s were open to other users of this machine; they are closed now",
            closed,
            data_dir,
        )


def _fetcher(images: ImageSettings) -> Callable[[str, int], bytes]:
    source = ImageSource(images)
    return lambda address, task: source.fetch(address, task_id=task)
