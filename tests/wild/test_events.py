"""Events and exports: every event says something or nothing; an export gives tasks or a ``ValueError``."""

from __future__ import annotations

import gzip
import json
from contextlib import suppress
from random import Random
from typing import Any

import pytest

from ihp_backend.label_studio.annotations.annotation_events import changes, lacking, listed, without_tasks
from ihp_backend.label_studio.annotations.export_dataset import ExportDataset
from ihp_backend.label_studio.annotations.export_files import read_tasks
from ihp_backend.label_studio.annotations.export_tasks import read_export
from ihp_backend.label_studio.loose_json import mended, objects
from tests.server.wild_bodies import mutated

from .inputs import CHANCES, damaged, real_bodies, real_configs, wild


@wild("events", CHANCES)
def test_events(chance: Random) -> None:
    event = mutated(chance.choice(real_bodies()["/webhook"]), chance)
    if chance.random() < 0.7:  # As it comes through the door; an export comes as it is.
        event, _ = mended(event)
    if isinstance(event, dict):
        lacking(event)
        assert without_tasks(event, "4", {8}).keys() == event.keys()
        for change in changes(event):
            json.dumps(change.__dict__)
        for annotation in listed("4", iter(objects(event.get("task")) or [event])):
            json.loads(annotation.content)


def exported() -> list[dict[str, Any]]:
    """The tasks of an export, from what events said."""
    return [
        {**event["task"], "annotations": [event["annotation"]]}
        for event in real_bodies()["/webhook"]
        if isinstance(event.get("task"), dict) and isinstance(event.get("annotation"), dict)
    ]


@wild("exports", CHANCES)
def test_exports(tmp_path_factory: pytest.TempPathFactory, chance: Random) -> None:
    folder = tmp_path_factory.getbasetemp() / "exported"
    folder.mkdir(exist_ok=True)
    file, config = folder / "export.json", folder / "config.xml"
    tasks: Any = [{**task, "id": number} for number, task in enumerate(exported()[:3])]
    content = json.dumps(mutated(tasks, chance)).encode()
    if chance.random() < 0.2:
        content = damaged(gzip.compress(content) if chance.random() < 0.5 else content, chance)
    file.write_bytes(content)
    config.write_text(chance.choice(real_configs()))
    try:
        held, tasks, _ = read_tasks(file)
        kept, left_out = read_export(held, tasks)
    except (ValueError, FileNotFoundError):
        return
    assert len(kept) + len(left_out) == len(tasks)
    with suppress(ValueError, FileNotFoundError):
        dataset = ExportDataset(file, "train", labelling_config=config, images=folder, shared_photographs=True)
        for index in range(len(dataset)):
            dataset[index]
