"""Data sets on the command line: their options (``--option KEY=VALUE``), and Label Studio's exports by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

OPTION_HELP = "KEY=VALUE, says what would be assumed about the files otherwise; may be given several times."


def parsed_options(given: Sequence[str] | None) -> dict[str, Any]:
    """The options, their values read as YAML where they are YAML, as in the configuration of a training.

    Raises:
        ValueError: one has no "=".
    """
    options = {}
    for text in given or ():
        key, separator, value = text.partition("=")
        if not separator or not key.strip():
            raise ValueError(f"option: {text!r} is no KEY=VALUE, for example order=m2fp")
        try:
            options[key.strip()] = yaml.safe_load(value)
        except yaml.YAMLError:  # A text such as {split}_id.txt.
            options[key.strip()] = value
    return options
