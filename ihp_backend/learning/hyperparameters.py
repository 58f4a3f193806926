"""Hyperparameter checks: numbers that cannot work are refused before anything is trained."""

from __future__ import annotations

import math


def require(section: str, /, **numbers: tuple[float, float] | tuple[float, float, float]) -> None:
    """Refuses numbers outside their bounds, NaN and infinities.

    Args:
        section: where they stand in the configuration.
        numbers: value, smallest and, where there is one, largest by name.

    Raises:
        ValueError: names the number, its value and what it may be.
    """
    for name, (value, least, *most) in numbers.items():
        if not (math.isfinite(value) and least <= value and all(value <= largest for largest in most)):
            allowed = f"from {least} to {most[0]}" if most else f"from {least} on"
            raise ValueError(f"{section}.{name}: {value} given; give a number {allowed}")


def require_positive(section: str, /, **numbers: float) -> None:
    """Refuses numbers that are not above 0, by their names."""
    for name, value in numbers.items():
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{section}.{name}: {value} given; give a number above 0")


def require_views(
    size: tuple[int, int], scales: tuple[float, float], validation_photographs: int, validation_scale: float
) -> None:
    """Refuses numbers of views that cannot be made: of their size, their scales, and those of the validation."""
    require("data.size", height=(size[0], 1), width=(size[1], 1))
    require_positive("data.scales", smallest=scales[0])
    require("data.scales", largest=(scales[1], scales[0]))
    require("data", validation_photographs=(validation_photographs, 0))
    require_positive("data", validation_scale=validation_scale)
