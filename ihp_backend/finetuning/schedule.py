"""Schedule: when a project is due for a fine-tuning job, from what is accepted now and what was learned last.

There is no queue that a killed process could empty: as long as the last fine-tuning job has not seen what is accepted
now, the next one is due. However many triggers there were in between, it is one job.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from ihp_backend.finetuning.accepted_index import Index
from ihp_backend.storage.atomic_files import as_json
from ihp_backend.storage.documents import Texts
from ihp_backend.storage.storage_error import StorageError

TRAINED_STATE = "learned.json"
"""The document that has it."""


@dataclass(frozen=True)
class TrainedState:
    """Photographs that the last finished fine-tuning job of a project had learned from, promoted or not.

    Attributes:
        stamps: task -> stamp of every photograph that was accepted then, held out or not.
        wanted: how often training had been asked for by then.
    """

    stamps: dict[int, str] = field(default_factory=dict)
    wanted: int = 0

    @classmethod
    def of(cls, index: Index, wanted: int) -> TrainedState:
        """The trained state of a job that learned from all that is accepted now."""
        return cls({item.task: item.stamp for item in index.items}, wanted)

    @classmethod
    def read(cls, texts: Texts) -> TrainedState:
        """The trained state of a project's jobs; without one nothing was learned.

        Raises:
            StorageError: it is damaged, or cannot be read.
        """
        try:
            text = texts.read(TRAINED_STATE)
            if text is None:
                return cls()
            described = json.loads(text)
            return cls({int(task): str(stamp) for task, stamp in described["stamps"].items()}, int(described["wanted"]))
        except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            place = texts.place(TRAINED_STATE)
            raise StorageError(
                f"fine-tuning job: {place} cannot be read ({error}); remove it, and all is learned again"
            ) from None

    def write(self, texts: Texts) -> None:
        """Keeps the state, in one step; raises ``OSError`` or ``StorageError``."""
        texts.write(TRAINED_STATE, as_json(asdict(self)))


def due(learned: TrainedState, now: TrainedState, every: int) -> str | None:
    """The reason why a fine-tuning job is due, None if it is not.

    Args:
        learned: what the last fine-tuning job was about.
        now: what one would be about now.
        every: photographs that must be new or changed, unless somebody asked.
    """
    if not now.stamps:
        return None
    new = sum(learned.stamps.get(task) != stamp for task, stamp in now.stamps.items())
    if now.wanted > learned.wanted:
        return f"asked for, {new} photographs new or changed"
    if new >= every:
        return f"{new} photographs new or changed"
    return None
