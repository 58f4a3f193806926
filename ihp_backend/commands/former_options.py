"""Former names of options and environment variables, which are taken for one release, with a hint."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import typer

FORMER_OPTIONS: Final = {
    "--lessons": "--fine-tuning",
    "--no-lessons": "--no-fine-tuning",
    "--obedient": "--enforce-clicks",
    "--no-obedient": "--no-enforce-clicks",
    "--doubtful": "--unfiltered",
    "--strangers": "--unseen-labels",
}
FORMER_VARIABLES: Final = {
    "IHP_LESSONS": "IHP_FINE_TUNING",
    "IHP_LESSON_EVERY": "IHP_FINE_TUNING_EVERY",
    "IHP_LESSON_DEVICE": "IHP_FINE_TUNING_DEVICE",
}


def former_name_hint(former: str, present: str) -> str:
    """What is said of a former name, of whatever it is."""
    return f"{former} is now {present}; the former name is taken for one more release"


def hints(arguments: Iterable[str], environment: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each former name among a command's arguments and the variables that are set.

    >>> list(hints(["serve", "--no-lessons"], {}))
    ['--no-lessons is now --no-fine-tuning; the former name is taken for one more release']
    """
    given = {argument.partition("=")[0] for argument in arguments}
    for names, former in ((given, FORMER_OPTIONS), (environment.keys(), FORMER_VARIABLES)):
        for name, present in former.items():
            if name in names:
                yield former_name_hint(name, present)


def tell_hints(arguments: Iterable[str]) -> None:
    """Writes the hints about a command's arguments and this process's environment to stderr."""
    for hint in hints(arguments, os.environ):
        typer.echo(f"hint: {hint}", err=True)
