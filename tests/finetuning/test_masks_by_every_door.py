"""The same drawing, read from events, drafts and exports: one reading of a mask for every door."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ihp_backend.annotation_store.event_inbox import EventInbox
from ihp_backend.annotation_store.store import AnnotationStore
from ihp_backend.finetuning.accepted_set import AcceptedSet
from ihp_backend.finetuning.ingest import ingest
from ihp_backend.finetuning.photograph_store import PhotographStore
from ihp_backend.label_studio.annotations.export_dataset import ExportDataset
from ihp_backend.label_studio.config.labelling_config import parse_labelling_config
from ihp_backend.label_studio.masks.drawn_work import DrawnWork

CASES = Path(__file__).parent.parent / "cases"


def events() -> list[Any]:
    files = sorted(file for folder in ("01-*", "07-*", "11-*") for file in CASES.glob(f"{folder}/event_*.json"))
    assert len(files) == 9
    return [pytest.param(json.loads(file.read_text()), id=f"{file.parent.name}/{file.stem}") for file in files]


PIXELS = {
    "event_all_erased": {},
    "event_bitmask_and_brush": {"tie": 400, "badge": 64},
}
NOTES = {
    "event_empty_rle": "neither rle nor maskDataURL nor touches",
    "event_no_mask": "neither rle nor maskDataURL nor touches",
    "event_polygon_2_points": "of 2 corners",
}


@pytest.mark.parametrize("event", events())
def test_what_is_drawn_is_read_alike(event: dict[str, Any], tmp_path: Path, request: pytest.FixtureRequest) -> None:
    name = request.node.callspec.id.partition("/")[2]
    wanted = PIXELS.get(name, {"tie": 400})
    records = event["annotation"]["result"]
    height, width = records[0]["original_height"], records[0]["original_width"]
    file = io.BytesIO()
    Image.new("RGB", (width, height)).save(file, "PNG")

    inbox, store = EventInbox(tmp_path / "events.sqlite"), AnnotationStore(tmp_path / "ledger.sqlite")
    inbox.record(event)
    ingest(inbox, store)
    accepted = AcceptedSet(tmp_path / "accepted", PhotographStore(tmp_path / "photographs"))
    index = accepted.update(store, str(event["project"]["id"]), lambda address, task: file.getvalue())
    if not wanted:
        assert not index.items
        assert "nothing is drawn" in str(index.left_out)
    else:
        (item,) = index.items
        assert counts(accepted.label_map(item), index.labels.names) == wanted
        assert not accepted.unknown(item).any()
        assert NOTES.get(name, "") in str(item.notes)
        assert bool(item.notes) == (name in NOTES)

    text = event["project"]["label_config"]
    config = parse_labelling_config(text)
    drawn, problems = DrawnWork().label_map((name,), records, config, config.label_set(), (height, width))
    assert problems == ()
    assert ({} if drawn is None else counts(drawn, config.label_set().names)) == wanted

    task = {**event["task"], "annotations": [event["annotation"]]}
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "export.json").write_text(json.dumps([task]))
    (tmp_path / "export" / "labelling_config.xml").write_text(text)
    key = str(config.images[0].data_key)
    (tmp_path / "export" / Path(str(event["task"]["data"][key])).name).write_bytes(file.getvalue())
    dataset = ExportDataset(tmp_path / "export", "train", val_share=1e-9)
    if wanted:
        assert counts(dataset.parsing(0), dataset.labels.names) == wanted
        assert NOTES.get(name, "") in str(dataset.notes)
    else:
        with pytest.raises(ValueError, match="nothing is drawn"):
            dataset.parsing(0)


def test_an_export_of_weak_masks(tmp_path: Path) -> None:
    root = shutil.copytree(CASES / "01-mask-with-weak-alpha" / "export", tmp_path / "export")
    tasks = json.loads((root / "export.json").read_text())
    for split in ("train", "val"):
        dataset = ExportDataset(root, split)
        for number in range(len(dataset)):
            assert counts(dataset.parsing(number), dataset.labels.names).get("tie"), dataset.ids[number]
    assert tasks


def counts(label_map: np.ndarray, names: tuple[str, ...]) -> dict[str, int]:
    found = np.bincount(label_map[(label_map != 255) & (label_map != 0)], minlength=len(names))
    return {name: int(found[label]) for label, name in enumerate(names) if found[label]}
