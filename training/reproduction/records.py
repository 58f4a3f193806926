"""Records: where the figures of one method and seed come from, kept beside them.

A record stays as it was written, and says what was given then: options, and configurations by the hash of their files,
which are kept beside the records. Two of them are compared by what they mean, with present names for all settings.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from ihp_backend.datasets import ParsingDataset
from ihp_backend.evaluation import provenance
from training.former_names import present_options, present_settings
from training.packaged_configs import config_file
from training.reproduction.methods import METHODS
from training.reproduction.scales import Scale
from training.reproduction.steps import RECORD, Folders, Step, options_of, steps_of

CONFIGS = "configs"
"""Folder beside the records with the configurations that they were made with, by hash."""


def settings(method: str, scale: Scale) -> dict[str, Any]:
    """Settings that a method's figures depend on besides the seed; figures of other settings must not be mixed."""
    chosen = METHODS[method]
    files = [] if chosen.kind == "classical" else scale.configs_of(chosen.kind)
    return {
        "options": options_of(chosen, scale),
        "dataset": scale.dataset,
        "steps": None if chosen.kind == "classical" else steps_of(chosen, scale),
        "corrections": chosen.corrections or scale.corrections,
        "photographs": scale.photographs,
        "configs": {file: _hash(config_file(file)) for file in files},
    }


def _hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


def meaning(given: dict[str, Any], folders: Folders) -> dict[str, Any]:
    """The meaning of a record's settings: present names, and what configurations say instead of hashes.

    A configuration that was kept nowhere is known by its hash alone.
    """
    configs = [_said(file, digest, folders) for file, digest in given.get("configs", {}).items()]
    return {**given, "options": present_options(given.get("options", {})), "configs": configs}


def _said(file: str, digest: str, folders: Folders) -> Any:
    for kept in (_kept(folders, digest), config_file(file)):
        if kept.is_file() and _hash(kept) == digest:
            return present_settings(yaml.safe_load(kept.read_text()))
    return digest


def _kept(folders: Folders, digest: str) -> Path:
    """The path where the configuration with a hash is kept."""
    return folders.results / CONFIGS / f"{digest}.yaml"


def check(folders: Folders, method: str, seed: int, scale: Scale) -> None:
    """Refuses to go on where there are figures of other settings.

    Raises:
        SystemExit: they differ; the message says how.
    """
    file = folders.results / method / f"seed-{seed}" / RECORD
    if not file.exists():
        return
    before, now = json.loads(file.read_text())["settings"], settings(method, scale)
    meant_before, meant_now = meaning(before, folders), meaning(now, folders)
    for name in now:
        if meant_before.get(name) != meant_now[name]:
            raise SystemExit(
                f"reproduce: {file.parent} was made with {name} = {before.get(name)}, now it is {now[name]}; "
                "give another --out, or delete the folder to make it anew"
            )


def write(
    folders: Folders, method: str, seed: int, scale: Scale, steps: Sequence[Step], seconds: dict[str, float], data: str
) -> None:
    """Keeps settings, commands, commits, machine and times of what was just made, beside those of what was there.

    Configurations are kept, too, once for all records that were made with them.
    """
    folder = folders.results / method / f"seed-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / RECORD
    before = json.loads(file.read_text()) if file.exists() else {"commands": [], "seconds": {}}
    made = provenance("training.reproduce")
    # Records had one commit for all steps, that of the last ones.
    commits = dict.fromkeys(before["seconds"], before.get("commit")) | before.get("commits", {})
    chosen = settings(method, scale)
    for config, digest in chosen["configs"].items():
        kept = _kept(folders, digest)
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(config_file(config).read_bytes())
    record = {
        "method": method,
        "seed": seed,
        "settings": chosen,
        "data_sha256": data,
        **made,
        "commands": list(dict.fromkeys([*before["commands"], *(step.shown() for step in steps)])),
        "seconds": {**before["seconds"], **seconds},
        "commits": {**commits, **dict.fromkeys(seconds, made["commit"])},
    }
    file.write_text(json.dumps(record, indent=1) + "\n")


def fingerprint(dataset: ParsingDataset) -> str:
    """SHA-256 over the names and true parsings of a split: which data the figures were measured on."""
    digest = hashlib.sha256()
    for index, name in enumerate(dataset.ids):
        digest.update(f"{name}\n".encode())
        digest.update(dataset.parsing(index).tobytes())
    return digest.hexdigest()
