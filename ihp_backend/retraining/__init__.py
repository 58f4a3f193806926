"""What an annotation team's accepted work becomes: for now the durable inbox of events."""

from ihp_backend.retraining.inbox import Inbox, InboxError

__all__ = ["Inbox", "InboxError"]
