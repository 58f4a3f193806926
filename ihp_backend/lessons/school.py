"""School: where everything that belongs to lessons lies below the data folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ihp_backend.label_studio.web.image_settings import ImageSettings
from ihp_backend.label_studio.web.images import ImageSource
from ihp_backend.lessons.accepted_index import Index
from ihp_backend.lessons.accepted_set import AcceptedSet, Policy
from ihp_backend.lessons.digest import digest
from ihp_backend.lessons.photograph_store import PhotographStore
from ihp_backend.lessons.progress import Progress
from ihp_backend.retraining import Inbox, Ledger
from ihp_backend.retraining.inbox import EVENTS
from ihp_backend.retraining.versions import MODELS, VersionStore

PHOTOGRAPHS = "photographs"


class School:
    """The stores of one data folder, created where they are missing; may be opened by any number of processes.

    Args:
        data_dir: ``IHP_DATA_DIR``; must exist.

    Raises:
        StorageError: one of them cannot be opened.
    """

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.inbox = Inbox(data_dir / EVENTS)
        self.ledger = Ledger(data_dir / "ledger.sqlite")
        self.photographs = PhotographStore(data_dir / PHOTOGRAPHS)
        self.versions = VersionStore(data_dir / MODELS)

    def accepted(self, project: str) -> AcceptedSet:
        """The accepted set of a project."""
        return AcceptedSet(self.data_dir / "accepted" / project, self.photographs)

    def lesson_folder(self, project: str) -> Path:
        """Where a project's lesson keeps what it needs, and tells how far it is."""
        return self.data_dir / "lessons" / project

    def learned_file(self, project: str) -> Path:
        """What a project's last lesson was about; see ``Learned``."""
        return self.lesson_folder(project) / "learned.json"

    def progress(self, project: str) -> Progress:
        """What a project's lesson is doing, and what became of the earlier ones."""
        return Progress(self.lesson_folder(project))

    def bring_up_to_date(self, project: str, images: ImageSettings, policy: Policy = "newest") -> Index:
        """Takes in what is new in the inbox and makes the accepted set what the ledger says then.

        Raises:
            StorageError, AcceptedError: see ``AcceptedSet.update``.
        """
        digest(self.inbox, self.ledger)
        return self.accepted(project).update(self.ledger, project, _fetcher(images), policy)


def _fetcher(images: ImageSettings) -> Callable[[str, int], bytes]:
    source = ImageSource(images)
    return lambda address, task: source.fetch(address, task_id=task)
