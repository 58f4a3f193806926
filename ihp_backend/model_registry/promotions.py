"""Promotions: which version of a project served when, and the way back; one small file, replaced as a whole."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ihp_backend.storage.atomic_files import write_json
from ihp_backend.storage.sqlite import StorageError

ROLLBACK = "rollback"


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


def read_promotions(file: Path) -> list[Promotion]:
    """The promotions in a file, oldest first; none if there is no file.

    Raises:
        StorageError: it cannot be read.
    """
    try:
        return [Promotion(**promotion) for promotion in json.loads(file.read_text())]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError) as error:
        raise StorageError(
            f"version: {file} cannot be read ({error}); write [] into it to be served by the base model"
        ) from None


def add_promotion(file: Path, version: str, reason: str) -> None:
    """Adds one; only one process at a time may do so."""
    promotions = [*read_promotions(file), Promotion(version, time.time(), reason)]
    write_json(file, [asdict(promotion) for promotion in promotions])


def way_back(promotions: Sequence[Promotion]) -> list[str]:
    """The versions that led to the present one, which is the last, without those that were gone back from."""
    way: list[str] = []
    for promotion in promotions:
        if promotion.reason == ROLLBACK:
            way.pop()
        else:
            way.append(promotion.version)
    return way
