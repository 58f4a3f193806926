"""Values that a labelling config takes from a task's data, by the rule of Label Studio's editor (its ``parseValue``).

A variable is a ``$`` with letters, digits, ``_``, dots, brackets and braces after it: ``$image``, ``$meta.image``,
``$images[0].url``. A value that is nothing but a variable stands for whatever the data hold there; inside of a text
each variable is replaced by its text. Any other ``$`` is a character like others.
"""

from __future__ import annotations

import re
from typing import Any

from ihp_backend.label_studio.problems import RequestError, problem

_VARIABLE = re.compile(r"\$([\w[\].{}]+)", re.ASCII)
_KEY = re.compile(r"\[([^\]]*)\]?|([^.[]+)")
_LONGEST_INDEX = 9  # digits


def has_variables(value: str) -> bool:
    """Whether a value of the config differs from task to task.

    Examples:
        >>> has_variables("$image"), has_variables("5 $")
        (True, False)
    """
    return _VARIABLE.search(value) is not None


def paths(value: str) -> list[str]:
    """The variables in a value, without their ``$``.

    Examples:
        >>> paths("https://host/$meta.id/$file")
        ['meta.id', 'file']
    """
    return _VARIABLE.findall(value)


def whole_path(value: str) -> str | None:
    """The variable that a value consists of, without its ``$``; None for a text, whether with variables or without.

    Examples:
        >>> whole_path("$meta.image"), whole_path("https://host/$file")
        ('meta.image', None)
    """
    match = _VARIABLE.fullmatch(value)
    return match[1] if match else None


def parse_value(value: str, data: Any) -> Any:
    """The value that a text of the config has for a task.

    Args:
        value: of an attribute.
        data: the task's.

    Returns:
        For a single variable what the data hold there, None for nothing; otherwise a text.

    Raises:
        RequestError: the data hold no text for a variable inside of a text.

    Examples:
        >>> parse_value("$shots[1]", {"shots": ["a.jpg", "b.jpg"]})
        'b.jpg'
        >>> parse_value("/data/$name", {"name": "a.jpg"})
        '/data/a.jpg'
        >>> parse_value("$other", {}) is None
        True
    """
    path = whole_path(value)
    return _VARIABLE.sub(lambda match: _text(match[1], value, data), value) if path is None else value_at(path, data)


def value_at(path: str, data: Any) -> Any:
    """The value that a task's data hold at ``meta.image`` or ``images[0].url``; None for nothing.

    A key that is called so, dots and brackets included, comes first.

    Examples:
        >>> value_at("images[0].url", {"images": [{"url": "a.jpg"}]})
        'a.jpg'
        >>> value_at("a.b", {"a.b": 1, "a": {"b": 2}})
        1
    """
    if isinstance(data, dict) and path in data:
        return data[path]
    keys = [in_brackets or plain for in_brackets, plain in _KEY.findall(path)]
    found = data if not path.startswith(".") else None
    for key in keys:
        if isinstance(found, dict):
            found = found.get(key)
        elif isinstance(found, list) and _is_index(key, len(found)):
            found = found[int(key)]
        else:
            return None
    return found


def _is_index(key: str, length: int) -> bool:
    return (
        key.isdecimal() and key.isascii() and len(key) <= _LONGEST_INDEX and str(int(key)) == key and int(key) < length
    )


def _text(path: str, value: str, data: Any) -> str:
    """A variable inside of a text, written as JavaScript does it."""
    found = value_at(path, data)
    written = _written(found)
    if written is None:
        remedy = f"import the task with a text under {path!r}, for {value!r} of the labelling config"
        if "." in path:
            remedy += ", where dots belong to the variable"
        raise RequestError(problem(f"data.{path}", found, remedy))
    return written


def _written(found: Any) -> str | None:
    if isinstance(found, list):
        parts = [_written(part) for part in found if not isinstance(part, list)]
        known = [part for part in parts if part is not None]
        return ",".join(known) if known and len(known) == len(found) else None
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, float) and found.is_integer():
        return str(int(found))
    return str(found) if isinstance(found, (str, int, float)) else None
