"""How long a click may take."""

from __future__ import annotations

from ihp_backend.doctor.finding import Finding

SLOW_CLICK = 3000.0
"""Milliseconds after which annotators lose patience, on a photograph of 600 x 400 pixels or one of their own."""

_REMEDY = "give the backend more cores, stop what else uses them, or serve on a GPU: ihp serve --engine torch"


def click_time(check: str, found: str, milliseconds: float, place: str = "here") -> Finding:
    """A click that was answered, named if it was slow; the arguments are those of ``Finding``."""
    if milliseconds > SLOW_CLICK:
        return Finding(check, "warning", found, _REMEDY, place, milliseconds)
    return Finding(check, "ok", found, "", place, milliseconds)
