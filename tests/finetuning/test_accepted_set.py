"""From events to photographs with label maps: brought up to date, never mixed up, nothing lost."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ihp_backend.annotation_store.event_inbox import EventInbox
from ihp_backend.annotation_store.store import AnnotationStore
from ihp_backend.finetuning.accepted_index import HELD_OUT, LEARNED
from ihp_backend.finetuning.accepted_set import PATIENCE, AcceptedSet
from ihp_backend.finetuning.ingest import ingest
from ihp_backend.finetuning.photograph_store import PhotographStore
from ihp_backend.label_studio.annotations.accepted_annotation import AcceptedError
from ihp_backend.label_studio.masks.brush_rle import encode
from ihp_backend.label_studio.web.image_errors import ImageFetchError
from ihp_backend.storage.storage_error import StorageError

CONFIG = """<View><Image name="i" value="$photo"/><BrushLabels name="b" toName="i">
<Label value="Hat"/><Label value="Coat"/></BrushLabels></View>"""
LEFT = np.zeros((6, 8), bool)
LEFT[:, :4] = True


def photograph(number: int, size: tuple[int, int] = (6, 8)) -> bytes:
    pixels = np.random.default_rng(number).integers(0, 256, (*size, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def region(label: str, mask: np.ndarray = LEFT) -> dict[str, Any]:
    value = {"format": "rle", "rle": encode(mask), "brushlabels": [label]}
    return {"id": label, "type": "brushlabels", "to_name": "i", "original_height": mask.shape[0],
            "original_width": mask.shape[1], "value": value}  # fmt: skip


class Place:
    """An event inbox, what comes of it, and a Label Studio's photographs."""

    def __init__(self, folder: Path) -> None:
        self.inbox, self.annotation_store = (
            EventInbox(folder / "events.sqlite"),
            AnnotationStore(folder / "ledger.sqlite"),
        )
        self.set = AcceptedSet(folder / "accepted", PhotographStore(folder / "photographs"))
        self.files: Callable[[int], bytes] = photograph
        self.fetched: list[int] = []

    def tell(
        self, action: str, annotation: int, task: int, *regions: dict[str, Any], at: int = 0, config: str = CONFIG,
        data: dict[str, Any] | None = None, **more: Any,
    ) -> None:  # fmt: skip
        sent = {"id": annotation, "task": task, "result": list(regions), "lead_time": 10.0, "completed_by": 1}
        sent |= {"updated_at": f"2026-11-20T07:01:{at:02}Z", **more}
        project = {"id": 2, "label_config": config}
        told = {"id": task, "data": {"photo": f"{task}.png"} if data is None else data}
        self.inbox.record({"action": action, "annotation": sent, "project": project, "task": told})

    def fetch(self, address: str, task: int) -> bytes:
        assert address == f"{task}.png"
        self.fetched.append(task)
        return self.files(task)

    def update(self, **more: Any) -> dict[int, np.ndarray]:
        ingest(self.inbox, self.annotation_store)
        self.index = self.set.update(self.annotation_store, "2", self.fetch, **more)
        return {item.task: self.set.label_map(item) for item in self.index.items}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_accepted_work_becomes_photographs_with_label_maps(place: Place) -> None:
    place.tell("ANNOTATION_CREATED", 1, 7, region("Hat"))
    place.tell("ANNOTATION_CREATED", 2, 8, region("Coat", ~LEFT))
    maps = place.update()
    hat, coat = place.index.labels.id_of("Hat"), place.index.labels.id_of("Coat")
    np.testing.assert_array_equal(maps[7], np.where(LEFT, hat, 255))
    np.testing.assert_array_equal(maps[8], np.where(LEFT, 255, coat))
    first = place.index.items[0]
    assert (first.task, first.annotations, first.seconds) == (7, (1,), 10.0)
    assert place.set.photograph(first).shape == (6, 8, 3)
    assert place.set.read() == place.index


def test_work_drawn_on_a_photograph_as_it_is_stored_is_turned_with_it(place: Place) -> None:
    """Stored with 8 x 6 pixels and orientation 6: browsers show 6 x 8."""
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = Image.open(io.BytesIO(photograph(7)))
    place.files = lambda task: _saved(stored, "PNG", exif=exif)
    place.tell("ANNOTATION_CREATED", 1, 7, region("Hat"))
    upright = np.zeros((8, 6), bool)
    upright[:4] = True  # What is left in the stored picture is on top of the upright one.
    place.tell("ANNOTATION_CREATED", 2, 8, region("Hat", upright))
    maps = place.update()
    np.testing.assert_array_equal(maps[7], maps[8])
    assert place.set.photograph(place.index.items[0]).shape[:2] == maps[7].shape == (8, 6)
    turned, as_shown = place.index.items
    assert "was turned likewise" in turned.notes[0]
    assert as_shown.notes == ()


def test_a_photograph_without_its_end_is_noted(place: Place) -> None:
    place.files = lambda task: _saved(Image.new("RGB", (8, 6), "red"), "JPEG")[:-2]
    place.tell("ANNOTATION_CREATED", 1, 7, region("Hat"))
    place.update()
    assert "the file ends before its pixels do" in place.index.items[0].notes[0]


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def test_only_what_is_new_is_made(place: Place) -> None:
    for task in (7, 8):
        place.tell("ANNOTATION_CREATED", task, task, region("Hat"))
    place.update()
    place.update()
    assert place.fetched == [7, 8]
    place.tell("ANNOTATION_UPDATED", 8, 8, region("Coat"), at=5)
    maps = place.update()
    assert place.fetched == [7, 8, 8]
    assert maps[8][0, 0] == place.index.labels.id_of("Coat")
    assert len(list((place.set.folder / "maps").iterdir())) == 2


def test_what_is_deleted_skipped_or_only_clicked_is_not_learned(place: Place) -> None:
    for task in (1, 2, 3, 4):
        place.tell("ANNOTATION_CREATED", task, task, region("Hat"))
    assert set(place.update()) == {1, 2, 3, 4}
    place.inbox.record({"action": "ANNOTATIONS_DELETED", "annotations": [{"id": 1}], "project": 2})
    place.tell("ANNOTATION_UPDATED", 2, 2, region("Hat"), at=3, was_cancelled=True)
    place.tell("ANNOTATION_UPDATED", 3, 3, at=3)
    assert set(place.update()) == {4}
    assert place.index.left_out == {3: "nothing is drawn; clicks and rectangles are prompts and do not count"}
    assert len(list((place.set.folder / "maps").iterdir())) == 1


def test_several_annotators(place: Place) -> None:
    place.tell("ANNOTATION_CREATED", 1, 7, region("Hat", np.ones((6, 8), bool)))
    place.tell("ANNOTATION_CREATED", 2, 7, region("Hat"), at=1)
    assert (place.update()[7] == 255).sum() == 24
    both = place.update(policy="agreed")[7]
    np.testing.assert_array_equal(both == 255, ~LEFT)
    assert place.index.items[0].annotations == (1, 2)
    assert place.index.items[0].seconds == 20.0


def test_troubles_are_named_and_the_others_stand(place: Place) -> None:
    place.tell("ANNOTATION_CREATED", 1, 1, region("Hat"))
    place.tell("ANNOTATION_CREATED", 2, 2, {**region("Hat"), "value": {"rle": [1], "brushlabels": ["Hat"]}})
    place.tell("ANNOTATION_CREATED", 3, 3, region("Hat", np.ones((5, 5), bool)))
    place.tell("ANNOTATION_CREATED", 4, 4, region("Hat"))
    place.files = lambda task: b"no photograph" if task == 4 else photograph(task)
    assert set(place.update()) == {1}
    assert "nothing is drawn that can be used: annotation 2, region Hat: rle" in place.index.left_out[2]
    assert place.index.left_out[3].startswith("annotation 3: ")
    assert "8 x 6" in place.index.left_out[3]
    assert 4 in place.index.left_out
    place.files = photograph
    assert set(place.update()) == {1, 4}


def test_what_is_not_known_of_a_photograph_is_kept_with_it(place: Place) -> None:
    place.tell("ANNOTATION_CREATED", 1, 1, region("Hat", LEFT & False), region("Hat"))
    place.tell("ANNOTATION_CREATED", 2, 2, region("Shoe", ~LEFT), region("Hat"))
    place.tell("ANNOTATION_CREATED", 3, 3, region("Hat", np.ones((6, 8), bool)))
    place.tell("ANNOTATION_CREATED", 4, 3, region("Hat"), at=1)
    maps = place.update(policy="agreed")
    unknown = {item.task: place.set.unknown(item) for item in place.index.items}
    hat = place.index.labels.id_of("Hat")
    for task in (1, 2, 3):
        np.testing.assert_array_equal(maps[task], np.where(LEFT, hat, 255))
    assert not unknown[1].any()
    np.testing.assert_array_equal(unknown[2], ~LEFT)
    np.testing.assert_array_equal(unknown[3], ~LEFT)
    assert [len(item.notes) for item in place.index.items] == [1, 1, 0]


def test_a_set_of_earlier_rules_is_made_again_from_the_photographs_that_are_kept(place: Place) -> None:
    place.tell("ANNOTATION_CREATED", 1, 1, region("Hat"))
    place.update()
    file = place.set.folder / "index.json"
    described = json.loads(file.read_text())
    del described["reading"]
    file.write_text(json.dumps(described))
    Image.new("L", (8, 6), 255).save(place.set.folder / place.index.items[0].map)
    maps = place.update()
    assert place.fetched == [1]
    np.testing.assert_array_equal(maps[1] == place.index.labels.id_of("Hat"), LEFT)


def test_a_label_studio_that_is_down_is_not_asked_for_every_photograph(place: Place) -> None:
    for task in range(20):
        place.tell("ANNOTATION_CREATED", task, task, region("Hat"))

    def down(task: int) -> bytes:
        raise ImageFetchError("image: no connection")

    place.files = down
    assert place.update() == {}
    assert (len(place.fetched), len(place.index.left_out)) == (PATIENCE, 20)
    place.files = photograph
    assert len(place.update()) == 20


def test_a_photograph_that_disappeared_is_kept(place: Place) -> None:
    place.tell("ANNOTATION_CREATED", 1, 1, region("Hat"))
    place.update()
    place.files = lambda task: (_ for _ in ()).throw(ImageFetchError("image: status 404"))
    assert set(place.update()) == {1}
    assert place.set.photograph(place.index.items[0]).shape == (6, 8, 3)


def test_a_photograph_is_never_held_out_and_learned(place: Place) -> None:
    place.files = lambda task: photograph(task % 40)
    for task in range(120):
        place.tell("ANNOTATION_CREATED", task, task, region("Hat"))
    place.update()
    splits: dict[str, set[str]] = {}
    for item in place.index.items:
        splits.setdefault(item.photograph, set()).add(item.split)
    assert len(splits) == 40
    assert all(len(split) == 1 for split in splits.values())
    held_out = sum(split == {HELD_OUT} for split in splits.values())
    assert 2 <= held_out <= 16
    assert {LEARNED, HELD_OUT} == set.union(*splits.values())


def test_of_few_photographs_more_are_held_out_and_none_that_was_learned_from(place: Place) -> None:
    place.files = photograph
    shares: list[float] = []
    learned: set[str] = set()
    for count in (20, 40, 100):
        for task in range(count):
            place.tell("ANNOTATION_CREATED", task, task, region("Hat"))
        place.update()
        held_out = {item.photograph for item in place.index.items if item.split == HELD_OUT}
        assert not held_out & learned
        learned = {item.photograph for item in place.index.items} - held_out
        shares.append(len(held_out) / count)
        numbers = sorted(int(item.photograph[:8], 16) / 2**32 for item in place.index.items)
        enough = numbers[11] if count >= 12 else 1.0
        assert place.index.held_out_share == pytest.approx(max(min(enough, 0.5), 0.2))
        assert len(held_out) >= min(12, sum(number < 0.5 for number in numbers))
    assert shares[0] > 0.3 > shares[-1]
    # Photographs that are deleted later do not bring back what was learned from.
    gone = [{"id": task} for task in range(20, 100)]
    place.inbox.record({"action": "ANNOTATIONS_DELETED", "annotations": gone, "project": 2})
    place.update()
    assert not {item.photograph for item in place.index.items if item.split == HELD_OUT} & learned


def test_labels_that_change_half_way(place: Place) -> None:
    place.tell("ANNOTATION_CREATED", 1, 1, region("Hat"))
    place.tell("ANNOTATION_CREATED", 2, 2, region("Coat"))
    place.update()
    config = CONFIG.replace('<Label value="Hat"/>', '<Label value="Scarf"/><Label value="Belt"/>')
    place.inbox.record({"action": "PROJECT_UPDATED", "project": {"id": 2, "label_config": config}})
    maps = place.update()
    assert set(maps) == {2}
    assert maps[2][0, 0] == place.index.labels.id_of("Coat")
    assert place.index.left_out[1].endswith("labels ['Hat'] do not name one label of the config")
    place.inbox.record({"action": "PROJECT_UPDATED", "project": {"id": 2, "label_config": "<View"}})
    with pytest.raises(AcceptedError, match="not well-formed"):
        place.update()


def test_a_damaged_index_is_made_again(place: Place) -> None:
    place.tell("ANNOTATION_CREATED", 1, 1, region("Hat"))
    place.update()
    (place.set.folder / "index.json").write_text('{"items": [')
    with pytest.raises(StorageError, match="remove it, it is made again"):
        place.set.read()
    assert set(place.update()) == {1}


def test_a_config_that_was_never_told(place: Place) -> None:
    with pytest.raises(AcceptedError, match="its labelling config is not known; ihp sync 2"):
        place.update()


def test_an_event_that_is_not_understood_does_not_hold_up_the_others(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from ihp_backend.finetuning import ingest as module

    real = module.changes

    def failing(event: dict[str, Any]) -> Any:
        if event["annotation"]["id"] == 1:
            raise TypeError("strange")
        return real(event)

    monkeypatch.setattr(module, "changes", failing)
    place.tell("ANNOTATION_CREATED", 1, 1, region("Hat"))
    place.tell("ANNOTATION_CREATED", 2, 2, region("Hat"))
    assert set(place.update()) == {2}
    assert "event 1 ('ANNOTATION_CREATED') is not understood" in caplog.text
    assert json.loads(place.annotation_store.current("2")[0].content)["seconds"] == 10.0


FROM_TASKS = """<View><Image name="i" value="$photo"/><BrushLabels name="b" toName="i" value="$parts">
<Label value="$first"/></BrushLabels></View>"""
SHOTS = """<View><Repeater on="$shots"><Image name="i_{{idx}}" value="$shots[{{idx}}]"/>
<BrushLabels name="b_{{idx}}" toName="i_{{idx}}"><Label value="Hat"/></BrushLabels></Repeater></View>"""


def test_labels_from_tasks_are_learned_together_and_keep_their_ids(place: Place) -> None:
    def tell(task: int, drawn: str, first: str, *parts: str) -> None:
        data = {"photo": f"{task}.png", "first": first, "parts": [{"value": part} for part in parts]}
        place.tell("ANNOTATION_CREATED", task, task, region(drawn), config=FROM_TASKS, data=data)

    tell(7, "$first", "Hat", "Coat")
    tell(8, "Coat", "Glove", "Coat")
    maps = place.update()
    assert place.index.labels.names == ("background", "Hat", "Coat", "Glove")
    assert (maps[7][0, 0], maps[8][0, 0]) == (1, 2)
    tell(5, "Shoe", "Shoe")
    maps = place.update()
    assert place.index.labels.names == ("background", "Hat", "Coat", "Glove", "Shoe")
    assert (maps[5][0, 0], maps[7][0, 0], maps[8][0, 0]) == (4, 1, 2)
    assert place.fetched == [7, 8, 5], "what was made before stays"


def test_a_label_that_the_task_does_not_say_is_named(place: Place) -> None:
    data = {"photo": "7.png", "parts": [{"value": "Coat"}]}
    place.tell("ANNOTATION_CREATED", 7, 7, region("$first"), config=FROM_TASKS, data=data)
    place.tell("ANNOTATION_CREATED", 8, 8, region("Coat"), config=FROM_TASKS, data={"photo": "8.png", "first": "Hat"})
    assert place.update() == {}
    assert "data.first: None: import the task with a text" in place.index.left_out[7]
    assert "data.parts: None: import the task with its labels" in place.index.left_out[8]


def test_more_labels_in_all_tasks_than_a_label_map_can_hold(place: Place) -> None:
    for task in (7, 8):
        data = {"photo": f"{task}.png", "parts": [{"value": f"{task} {number}"} for number in range(200)]}
        place.tell("ANNOTATION_CREATED", task, task, region(f"{task} 1"), config=FROM_TASKS, data=data)
    with pytest.raises(AcceptedError, match="400 labels in all tasks together"):
        place.update()


def test_of_repeated_photographs_the_first_that_is_drawn_on_is_learned_from(place: Place) -> None:
    drawn = [{**region("Hat"), "id": str(number), "to_name": f"i_{number}"} for number in (1, 2)]
    data = {"shots": ["0.png", "7.png", "2.png"]}
    place.tell("ANNOTATION_CREATED", 7, 7, *drawn, config=SHOTS, data=data)
    maps = place.update()
    np.testing.assert_array_equal(maps[7], np.where(LEFT, 1, 255))
    (note,) = place.index.items[0].notes
    assert "regions on i_2: only those on i_1" in note


def test_a_photograph_at_a_nested_place(place: Place) -> None:
    config = CONFIG.replace("$photo", "$meta.shots[0]")
    data = {"meta": {"shots": ["7.png"]}}
    place.tell("ANNOTATION_CREATED", 7, 7, region("Hat"), config=config, data=data)
    assert set(place.update()) == {7}
