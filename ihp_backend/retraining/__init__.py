"""What an annotation team's accepted work becomes: the inbox of events, and the ledger of what is accepted."""

from ihp_backend.retraining.accepted import (
    Annotation,
    Change,
    Configured,
    TasksWithdrawn,
    TrainingWanted,
    Untold,
    Withdrawn,
)
from ihp_backend.retraining.inbox import Inbox
from ihp_backend.retraining.ledger import Ledger
from ihp_backend.retraining.storage import StorageError

__all__ = [
    "Annotation",
    "Change",
    "Configured",
    "Inbox",
    "Ledger",
    "StorageError",
    "TasksWithdrawn",
    "TrainingWanted",
    "Untold",
    "Withdrawn",
]
