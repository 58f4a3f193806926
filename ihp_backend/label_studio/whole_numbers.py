"""Whole numbers from environment variables."""

from __future__ import annotations

from collections.abc import Mapping


def whole_numbers(variables: Mapping[str, str], names: Mapping[str, str]) -> dict[str, int]:
    """The numbers of those variables that are set; empty ones count as not set.

    Args:
        variables: texts by the variable's name.
        names: the variable's name by the attribute it is for.

    Returns:
        The numbers by attribute.

    Raises:
        ValueError: a text that is none.
    """
    numbers = {}
    for attribute, variable in names.items():
        if text := variables.get(variable, "").strip():
            try:
                numbers[attribute] = int(text)
            except ValueError:
                raise ValueError(f"{variable}: {text!r} is no whole number; correct or unset it") from None
    return numbers
