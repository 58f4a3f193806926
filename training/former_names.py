"""Former names of classes and settings, and the present ones: what was written with the former ones stays valid.

The three tables are the only place for them. A name that changes gets an entry here, and then configurations, command
lines, the folders of earlier trainings and the records of a reproduction are read as if they had the present name.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

CLASS_PATHS: dict[str, str] = {
    "ihp_backend.learning.carving.CarvingRecipe": "ihp_backend.learning.sub_parts.SubPartRecipe",
    "ihp_backend.learning.situations.SituationRecipe": "ihp_backend.learning.task_sampling.TaskSampling",
    "ihp_backend.losses.ClickObedience": "ihp_backend.losses.ClickCrossEntropy",
}
"""Import path of a class by its former one, for example ``"ihp_backend.losses.Old": "ihp_backend.losses.New"``.

The same entry serves for the class's name alone, as the command line takes it, and for its path through a module of the
package: ``"ihp_backend.losses.old.Old"``.
"""

MODULES: dict[str, str] = {
    "ihp_backend.networks.extreme_point_deeplab": "ihp_backend.networks.deeplab",
    "ihp_backend.networks.interactive_deeplab": "ihp_backend.networks.deeplab",
    "ihp_backend.networks.live.network": "ihp_backend.networks.live.live_network",
    "ihp_backend.networks.plain_deeplab": "ihp_backend.networks.deeplab",
}
"""Modules and packages by their former path: whatever class is in them, ``CLASS_PATHS`` come first."""

KEYS: dict[str, str] = {"data.carving": "data.sub_parts", "model.situations": "model.task_sampling"}
"""Dotted settings by their former ones, with all that is below them.

As on the command line, ``init_args`` is left out: ``model.network.colour``.
"""

Tell = Callable[[str, str], None]
"""Is told a former name that was found, and the present one."""


def _nobody(former: str, present: str) -> None:
    pass


def present_class(path: str, tell: Tell = _nobody) -> str:
    """The present import path of a class; any other text, and a path without a former name, comes back as it is."""
    renamed = path
    # A name may have changed more than once; each entry is taken once, so a circle ends, too.
    for _ in range(len(CLASS_PATHS) + len(MODULES)):
        renamed = _renamed_class(renamed)
    if renamed != path:
        tell(path, renamed)
    return renamed


def _renamed_class(path: str) -> str:
    for former, present in CLASS_PATHS.items():
        package, _, name = former.rpartition(".")
        if path == name:
            return present.rpartition(".")[2]
        if path == former or (path.startswith(f"{package}.") and path.endswith(f".{name}")):
            return present
    for former, present in MODULES.items():
        if path.startswith(f"{former}."):
            return present + path.removeprefix(former)
    return path


def present_key(key: str, tell: Tell = _nobody) -> str:
    """The present dotted key of a setting; one without a former name comes back as it is."""
    renamed = key
    for _ in range(len(KEYS)):
        for former, present in KEYS.items():
            rest = _below(former, renamed)
            if rest is not None:
                renamed = ".".join([present, *rest])
                break
    if renamed != key:
        tell(key, renamed)
    return renamed


def _below(former: str, key: str) -> list[str] | None:
    """The segments of ``key`` below ``former``, ``init_args`` left out on the way there; None where it is another."""
    segments, wanted = key.split("."), former.split(".")
    while segments and wanted:
        if segments[0] == wanted[0]:
            wanted.pop(0)
        elif segments[0] != "init_args":
            return None
        segments.pop(0)
    return None if wanted else segments


def present_value(value: Any, tell: Tell = _nobody) -> Any:
    """A value of a setting with the present import paths of classes, however deep in it they are."""
    if isinstance(value, str):
        return present_class(value, tell)
    if isinstance(value, Mapping):
        return {name: present_value(inner, tell) for name, inner in value.items()}
    if isinstance(value, list):
        return [present_value(inner, tell) for inner in value]
    return value


def present_settings(settings: Mapping[str, Any], tell: Tell = _nobody) -> dict[str, Any]:
    """A configuration, or a part of one, with present keys and import paths; what is given stays as it is.

    Args:
        settings: sections within sections, as YAML has them.
        tell: see ``Tell``.

    Raises:
        ValueError: a setting is there under its former and under its present name.
    """
    present: dict[str, Any] = present_value(settings, tell)
    for _ in range(len(KEYS)):
        for former, key in KEYS.items():
            owner, name = _owner(present, former)
            if owner is None:
                continue
            to, new_name = _owner_to_be(present, key)
            if new_name in to:
                raise ValueError(f"{former}: given beside {key}, which is its present name; leave one of them out")
            tell(former, key)
            to[new_name] = owner.pop(name)
    return present


def _owner(settings: dict[str, Any], key: str) -> tuple[dict[str, Any] | None, str]:
    """The section in which a dotted key is, and its last segment; None where it is not there."""
    *sections, name = key.split(".")
    at: Any = settings
    for section in (*sections, None):
        if isinstance(at, dict) and (name if section is None else section) not in at and "init_args" in at:
            at = at["init_args"]
        if not isinstance(at, dict) or (name if section is None else section) not in at:
            return None, name
        at = at if section is None else at[section]
    return at, name


def _owner_to_be(settings: dict[str, Any], key: str) -> tuple[dict[str, Any], str]:
    """The section in which a dotted key belongs, made where it is not there, and its last segment."""
    *sections, name = key.split(".")
    at = settings
    for section in sections:
        at = at.setdefault(section, {})
        if isinstance(at.get("init_args"), dict):
            at = at["init_args"]
    return at, name


def present_options(options: Mapping[str, str]) -> dict[str, str]:
    """Dotted settings with their values as text, as command lines have them."""
    return {present_key(key): present_class(value) for key, value in options.items()}


def present_arguments(arguments: Sequence[str], tell: Tell = _nobody) -> list[str]:
    """The arguments of a training's command line with present names, in their own order.

    A configuration file with former names gives way to its text with the present ones; no file is changed.

    Raises:
        ValueError: see ``present_settings``.
    """
    present: list[str] = []
    option = ""
    for argument in arguments:
        if argument.startswith("--"):
            option, equals, value = argument.partition("=")
            option = f"--{present_key(option[2:], tell)}"
            present.append(f"{option}={_present_text(option[2:], value, tell)}" if equals else option)
        else:
            present.append(_present_text(option[2:], argument, tell))
    return present


def _present_text(key: str, text: str, tell: Tell) -> str:
    """The value of an option: the name of a class, YAML in a line, or a file of YAML."""
    renamed = present_class(text, tell)
    of_file = text.endswith((".yaml", ".yml")) and os.access(text, os.R_OK)
    if renamed != text or not (of_file or text.lstrip().startswith(("{", "["))):
        return renamed
    try:
        found = yaml.safe_load(Path(text).read_text() if of_file else text)
    except yaml.YAMLError:
        return text  # Who parses it says what is wrong with it.
    if not isinstance(found, dict):
        value = present_value(found, tell)
    elif key == "config":
        value = present_settings(found, tell)
    else:
        # As a part of the whole, since its keys may be in the table by their whole name.
        value = _within(key, present_settings(_around(key, found), tell))
    return text if value == found else yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10**9)


def _around(key: str, value: Any) -> dict[str, Any]:
    for segment in reversed(key.split(".")):
        value = {segment: value}
    whole: dict[str, Any] = value
    return whole


def _within(key: str, settings: Any) -> Any:
    for segment in key.split("."):
        settings = settings[segment]
    return settings
