"""The arrays in what an engine prepared, however nested, and where they lie."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import is_dataclass
from typing import Any

PlaceArray = Callable[[Any], Any]
"""Takes a numpy array and gives an equal one that lies elsewhere."""


def as_they_are(array: Any) -> Any:
    """Leaves an array where it is."""
    return array


def arrays_of(value: Any) -> Iterator[Any]:
    """The arrays and tensors in a value."""
    if isinstance(getattr(value, "nbytes", None), int):
        yield value
    elif is_dataclass(value):
        yield from arrays_of(vars(value))
    elif isinstance(value, (Mapping, list, tuple)):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from arrays_of(item)


def array_bytes(value: Any) -> int:
    """Bytes of the arrays and tensors in a value."""
    return sum(array.nbytes for array in arrays_of(value))
