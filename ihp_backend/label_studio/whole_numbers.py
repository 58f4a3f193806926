"""Whole numbers from environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, TypeVar

_Limits = TypeVar("_Limits", bound="Limits")


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


@dataclass(frozen=True)
class Limits:
    """Whole numbers with bounds.

    Attributes:
        BOUNDS: the variable of each number, the least and the most that it may be.

    Raises:
        ValueError: a number out of range.
    """

    BOUNDS: ClassVar[Mapping[str, tuple[str, int, int]]] = {}

    def __post_init__(self) -> None:
        for name, (variable, least, most) in self.BOUNDS.items():
            if not least <= (value := getattr(self, name)) <= most:
                raise ValueError(f"{variable}: {value} is out of range; choose {least} to {most}")

    @classmethod
    def from_environment(cls: type[_Limits], variables: Mapping[str, str]) -> _Limits:
        """The numbers of their variables; empty ones count as not set.

        Raises:
            ValueError: a value that is no number, or out of range.
        """
        return cls(**whole_numbers(variables, {name: variable for name, (variable, _, _) in cls.BOUNDS.items()}))
