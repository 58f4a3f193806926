"""Promotions: which version of a project served when, and the way back; one small document, replaced as a whole."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from ihp_backend.storage.atomic_files import as_json
from ihp_backend.storage.documents import Texts
from ihp_backend.storage.storage_error import StorageError

ROLLBACK = "rollback"

PROMOTIONS = "promotions.json"
"""The document that has them; the last one serves."""


@dataclass(frozen=True)
class Promotion:
    """A version began to serve.

    Attributes:
        version: which; "": the base model, that no fine-tuning job has changed.
        time: Unix seconds.
        reason: "gate", "forced" or ``ROLLBACK``.
    """

    version: str
    time: float
    reason: str


def read_promotions(texts: Texts) -> list[Promotion]:
    """The promotions of a project, oldest first; none if there never was one.

    Raises:
        StorageError: they cannot be read.
    """
    try:
        return [Promotion(**promotion) for promotion in json.loads(texts.read(PROMOTIONS) or "[]")]
    except (OSError, ValueError, TypeError) as error:
        place = texts.place(PROMOTIONS)
        raise StorageError(
            f"version: {place} cannot be read ({error}); write [] into it to be served by the base model"
        ) from None


def add_promotion(texts: Texts, version: str, reason: str) -> None:
    """Adds one; only one process at a time may do so."""
    promotions = [*read_promotions(texts), Promotion(version, time.time(), reason)]
    texts.write(PROMOTIONS, as_json([asdict(promotion) for promotion in promotions]))


def way_back(promotions: Sequence[Promotion]) -> list[str]:
    """The versions that led to the present one, which is the last, without those that were gone back from."""
    way: list[str] = []
    for promotion in promotions:
        if promotion.reason == ROLLBACK:
            way.pop()
        else:
            way.append(promotion.version)
    return way
