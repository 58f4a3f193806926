"""The folder of a training: what lies where in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from training.former_names import present_settings

CONFIG = "config.yaml"


def config_of(checkpoint: Path) -> Path:
    """The complete configuration of the training that wrote a checkpoint.

    Raises:
        ValueError: there is no such checkpoint, or no configuration in the folder above it.
    """
    if not checkpoint.is_file():
        raise ValueError(f"checkpoint: {checkpoint} does not exist; give the path of a checkpoint that training wrote")
    config = checkpoint.resolve().parents[1] / CONFIG
    if not config.is_file():
        raise ValueError(
            f"checkpoint: its training's {config} does not exist; export it with training.export --config FILE, and "
            "give the model folder"
        )
    return config


def settings_of(config: Path) -> dict[str, Any]:
    """The settings of a training, by section, in present names; whoever exports cannot change former ones.

    Raises:
        ValueError: it is no configuration, or has a setting under its former and under its present name.
    """
    settings = yaml.safe_load(config.read_text())
    if not isinstance(settings, dict) or "model" not in settings:
        raise ValueError(f"config: {config} has no section model; give the config.yaml that training wrote")
    return present_settings(settings)
