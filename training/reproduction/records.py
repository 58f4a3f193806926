"""Records: where the figures of one method and seed come from, kept beside them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ihp_backend.datasets import ParsingDataset
from ihp_backend.evaluation import provenance
from training.reproduction.methods import METHODS
from training.reproduction.scales import Scale
from training.reproduction.steps import RECORD, Place, Step


def settings(method: str, scale: Scale) -> dict[str, Any]:
    """What the figures of a method depend on besides the seed; figures of other settings must not be mixed."""
    chosen = METHODS[method]
    files = [] if chosen.kind == "classical" else scale.configs_of(chosen.kind)
    return {
        "options": chosen.options,
        "dataset": scale.dataset,
        "steps": None if chosen.kind == "classical" else scale.steps,
        "corrections": chosen.corrections or scale.corrections,
        "photographs": scale.photographs,
        "configs": {file: hashlib.sha256(Path(file).read_bytes()).hexdigest()[:12] for file in files},
    }


def check(place: Place, method: str, seed: int, scale: Scale) -> None:
    """Refuses to go on where there are figures of other settings.

    Raises:
        SystemExit: they differ; the message says how.
    """
    file = place.results / method / f"seed-{seed}" / RECORD
    if not file.exists():
        return
    before, now = json.loads(file.read_text())["settings"], settings(method, scale)
    for name in now:
        if before.get(name) != now[name]:
            raise SystemExit(
                f"reproduce: {file.parent} was made with {name} = {before.get(name)}, now it is {now[name]}; "
                "give another --out, or delete the folder to make it anew"
            )


def write(
    place: Place, method: str, seed: int, scale: Scale, steps: Sequence[Step], seconds: dict[str, float], data: str
) -> None:
    """Keeps settings, commands, commit, machine and times of what was just made, and the commands of what was there."""
    folder = place.results / method / f"seed-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / RECORD
    before = json.loads(file.read_text()) if file.exists() else {"commands": [], "seconds": {}}
    record = {
        "method": method,
        "seed": seed,
        "settings": settings(method, scale),
        "data_sha256": data,
        **provenance("training.reproduce"),
        "commands": list(dict.fromkeys([*before["commands"], *(step.shown() for step in steps)])),
        "seconds": {**before["seconds"], **seconds},
    }
    file.write_text(json.dumps(record, indent=1) + "\n")


def fingerprint(dataset: ParsingDataset) -> str:
    """SHA-256 over the names and true parsings of a split: which data the figures were measured on."""
    digest = hashlib.sha256()
    for index, name in enumerate(dataset.ids):
        digest.update(f"{name}\n".encode())
        digest.update(dataset.parsing(index).tobytes())
    return digest.hexdigest()
