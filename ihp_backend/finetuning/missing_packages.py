"""Which packages a fine-tuning job lacks here: serving does without them, learning does not."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import metadata

from packaging.requirements import Requirement


@cache
def missing_packages() -> tuple[str, ...]:
    """Requirements of the extra ``train`` that are not installed, or not in a version that works; as pip takes them."""
    try:
        wanted = [Requirement(text) for text in metadata.requires("ihp-backend") or []]
    except metadata.PackageNotFoundError:
        return ()
    return tuple(f"{one.name}{one.specifier}" for one, _ in unmet([one for one in wanted if _of_training(one)]))


def unmet(requirements: Iterable[Requirement]) -> Iterator[tuple[Requirement, str | None]]:
    """Those that are not installed in a version that works, each with the version that is there, None for none."""
    for requirement in requirements:
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            yield requirement, None
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            yield requirement, version


def why_no_fine_tuning() -> tuple[str, str] | None:
    """What fine-tuning lacks here, and the command that cures it, from a checkout and from a wheel alike."""
    if not (missing := missing_packages()):
        return None
    names = ", ".join(Requirement(one).name for one in missing)
    # All at once: torch and torchvision that are installed one after the other need not fit together.
    command = shlex.join([sys.executable, "-m", "pip", "install", *missing])
    return f"no fine-tuning here: {names} missing; what is accepted is kept meanwhile", command


def _of_training(requirement: Requirement) -> bool:
    marker = requirement.marker
    return marker is not None and marker.evaluate({"extra": "train"}) and not marker.evaluate({"extra": ""})
