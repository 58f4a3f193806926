"""Finding: what one check saw, and Mend: what ``--fix`` may change about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from ihp_backend.label_studio.problems import without_query

Level = Literal["ok", "warning", "error"]


class MendFailed(RuntimeError):
    """Label Studio refused a change; the text holds its words."""


@dataclass(frozen=True)
class Mend:
    """A change that Label Studio's API can make and that loses no work.

    Attributes:
        what: what is changed.
        before, after: its value now and afterwards.
        apply: changes it; raises ``MendFailed`` or ``ApiError``.
    """

    what: str
    before: str
    after: str
    apply: Callable[[], None] = field(repr=False, compare=False)

    def __post_init__(self) -> None:
        _without_secrets(self, "what", "before", "after")

    def to_json(self) -> dict[str, str]:
        return {"what": self.what, "before": self.before, "after": self.after}


@dataclass(frozen=True)
class Finding:
    """Finding of one check.

    Attributes:
        check: the check's name, for example "webhook".
        level: "error": annotating or learning does not work; "warning": it is hindered.
        found: what was seen, never with a token in it. Here and in the remedy, addresses lose password and query.
        remedy: the setting or the command that cures it; empty where nothing is wrong.
        place: what it is about: "here", "backend", "Label Studio" or "project N".
        milliseconds: how long the leg took that the check went.
        mend: what ``--fix`` would change, if it can.
    """

    check: str
    level: Level
    found: str
    remedy: str = ""
    place: str = "here"
    milliseconds: float | None = None
    mend: Mend | None = None

    def __post_init__(self) -> None:
        _without_secrets(self, "found", "remedy")

    def to_json(self) -> dict[str, Any]:
        return {
            "place": self.place,
            "check": self.check,
            "level": self.level,
            "found": self.found,
            "remedy": self.remedy,
            "milliseconds": None if self.milliseconds is None else round(self.milliseconds, 1),
            "fix": self.mend.to_json() if self.mend else None,
        }


def _without_secrets(told: Mend | Finding, *names: str) -> None:
    """Addresses come from Label Studio, from settings and from its errors: none of them is to be thought of."""
    for name in names:
        object.__setattr__(told, name, without_query(getattr(told, name)))
