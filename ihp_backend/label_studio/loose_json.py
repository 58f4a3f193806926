"""Reading JSON that Label Studio and others fill as they like.

``mended`` is the one rule for what comes in at a door: afterwards a value fits into every store and every answer. The
other functions read fields: what does not fit counts as missing.
"""

from __future__ import annotations

import math
import re
from typing import Any

MOST_LEVELS = 100
"""Lists and objects within each other; Label Studio's own have about ten."""

TOO_DEEP = f"what was nested deeper than {MOST_LEVELS} levels became null"

_UNSOUND = re.compile("[\0\ud800-\udfff]")
_LEAST, _MOST = -(1 << 63), (1 << 63) - 1


def mended(value: Any) -> tuple[Any, tuple[str, ...]]:
    """A JSON value as every database, file and browser can hold it, and what had to be changed for that, in words.

    - Halves of surrogate pairs and NUL characters in texts, names included, become U+FFFD, the replacement character.
    - NaN, Infinity and numbers too large for a float become null; whole numbers beyond 64 bits become floats, as
      browsers read them.
    - What lies deeper than ``MOST_LEVELS`` becomes null.

    Of names that an object has twice, the reading of JSON itself has kept the last, as Python and browsers do.

    Examples:
        >>> mended([float("nan"), 1.5])
        ([None, 1.5], ('numbers that are not finite became null',))
    """
    changed: dict[str, None] = {}
    return _mended(value, 0, changed), tuple(changed)


def _mended(value: Any, level: int, changed: dict[str, None]) -> Any:
    kind = type(value)
    if kind is str:
        return _text(value, changed)
    if kind is float and not math.isfinite(value):
        changed["numbers that are not finite became null"] = None
        return None
    if kind is int and not _LEAST <= value <= _MOST:
        return _large(value, changed)
    if kind is not list and kind is not dict:
        return value
    if level >= MOST_LEVELS:
        changed[TOO_DEEP] = None
        return None
    if kind is dict:
        return {_text(name, changed): _mended(inner, level + 1, changed) for name, inner in value.items()}
    return value if _is_bytes(value) else [_mended(inner, level + 1, changed) for inner in value]


def _is_bytes(value: list[Any]) -> bool:
    """Whether a list holds nothing but numbers up to 255, as a mask does: it may have a million of them."""
    try:
        bytes(value)
    except (TypeError, ValueError):
        return False
    return True


def _text(text: Any, changed: dict[str, None]) -> Any:
    if not isinstance(text, str) or (text.isascii() and "\0" not in text) or not _UNSOUND.search(text):
        return text
    changed["halves of surrogate pairs and NUL characters were replaced"] = None
    return _UNSOUND.sub("\N{REPLACEMENT CHARACTER}", text)


def _large(number: int, changed: dict[str, None]) -> float | None:
    changed["whole numbers beyond 64 bits became floats"] = None
    try:
        return float(number)
    except OverflowError:
        return None


def as_object(value: Any) -> dict[str, Any]:
    """An object as it is, anything else as an empty one."""
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects in a list; none in anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def one_or_more(value: Any) -> list[dict[str, Any]]:
    """The objects in a field that Label Studio fills with one object or a list of them."""
    return objects(value if isinstance(value, list) else [value])
