"""Reading JSON that Label Studio and old exports fill as they like: what does not fit counts as missing."""

from __future__ import annotations

from typing import Any


def as_object(value: Any) -> dict[str, Any]:
    """An object as it is, anything else as an empty one."""
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects in a list; none in anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def one_or_more(value: Any) -> list[dict[str, Any]]:
    """The objects in a field that Label Studio fills with one object or a list of them."""
    return objects(value if isinstance(value, list) else [value])
