"""A Label Studio export as a data set."""

from __future__ import annotations

import base64
import io
import json
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ihp_backend.datasets import SampleError, check_dataset
from ihp_backend.label_studio.annotations.export_dataset import ExportDataset, split_of
from ihp_backend.label_studio.masks.brush_rle import encode
from ihp_backend.labels import CCP, LabelSet

CONFIG = """<View><Image name="photo" value="$image"/><KeyPointLabels name="click" toName="photo" smart="true">
<Label value="Hair"/><Label value="Face"/><Label value="Left arm" alias="la"/></KeyPointLabels>
<BrushLabels name="part" toName="photo"><Label value="Hair"/><Label value="Face"/><Label value="Left arm" alias="la"/>
</BrushLabels></View>"""
HEIGHT, WIDTH = 12, 16
CAPTURES = Path(__file__).parents[1] / "captures"


def box(top: int, bottom: int, left: int = 2, right: int = 14) -> np.ndarray:
    """A mask with one filled rectangle."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[top:bottom, left:right] = True
    return mask


def brush(label: str, mask: np.ndarray, **changes: Any) -> dict[str, Any]:
    """A brush region as exported."""
    height, width = mask.shape
    return {
        "id": f"r-{label}", "type": "brushlabels", "from_name": "part", "to_name": "photo", "origin": "manual",
        "original_width": width, "original_height": height, "image_rotation": 0,
        "value": {"format": "rle", "rle": encode(mask), "brushlabels": [label]},
    } | changes  # fmt: skip


def click(label: str) -> dict[str, Any]:
    """A click that stayed in the annotation."""
    return {"id": "c", "type": "keypointlabels", "from_name": "click", "to_name": "photo",
            "value": {"x": 50, "y": 50, "width": 0.3, "keypointlabels": [label]}}  # fmt: skip


def annotation(*result: dict[str, Any], number: int = 1, day: int = 1, **changes: Any) -> dict[str, Any]:
    """An annotation of the given day."""
    updated = f"2026-11-{day:02d}T07:01:25.667353Z"
    return {"id": number, "result": list(result), "was_cancelled": False, "updated_at": updated, **changes}


def task(number: int, *annotations: dict[str, Any], image: Any = None) -> dict[str, Any]:
    """An exported task."""
    address = f"/data/upload/2/e46c5443-person{number}.jpg" if image is None else image
    return {"id": number, "data": {"image": address}, "annotations": list(annotations), "predictions": []}


def write(root: Path, *tasks: dict[str, Any], config: str | None = CONFIG) -> Path:
    """An export with the photographs of its tasks, as they lie in Label Studio's media folder."""
    (root / "images" / "2").mkdir(parents=True, exist_ok=True)
    for item in tasks:
        name = Path(str(item["data"]["image"])).name
        if name.endswith(".jpg"):
            Image.new("RGB", (WIDTH, HEIGHT), (200, 30, item["id"] % 256)).save(root / "images" / "2" / name)
    (root / "project-1-at-2026-11-20.json").write_text(json.dumps(tasks))
    if config is not None:
        (root / "labelling_config.xml").write_text(config)
    return root


def only(root: Path, **options: Any) -> ExportDataset:
    """All tasks in one split."""
    return ExportDataset(root, "train", val_share=1e-9, **options)


def test_regions_are_painted_in_order(tmp_path: Path) -> None:
    root = write(tmp_path, task(7, annotation(click("Hair"), brush("Hair", box(1, 8)), brush("Face", box(5, 10)))))
    dataset = only(root)
    assert dataset.labels.names == ("background", "Hair", "Face", "Left arm")
    sample = dataset[0]
    assert sample.id == "7"
    assert sample.image.shape == (HEIGHT, WIDTH, 3)
    wanted = np.zeros((HEIGHT, WIDTH), np.uint8)
    wanted[1:5, 2:14], wanted[5:10, 2:14] = 1, 2
    np.testing.assert_array_equal(sample.parsing, wanted)
    assert check_dataset(pickle.loads(pickle.dumps(dataset)), minimum_area=5).faults == []


def test_a_label_may_have_several_regions_an_alias_and_a_second_record(tmp_path: Path) -> None:
    polluted = brush("Face", box(1, 3), type="keypointlabels", from_name="click")
    polluted["value"]["keypointlabels"] = polluted["value"].pop("brushlabels")
    result = (brush("la", box(1, 3, 2, 5)), polluted, brush("la", box(8, 10, 9, 14), id="again"))
    parsing = only(write(tmp_path, task(1, annotation(*result)))).parsing(0)
    np.testing.assert_array_equal(parsing, np.where(box(1, 3, 2, 5) | box(8, 10, 9, 14), 3, 0))


def test_brush_and_labels_tags(tmp_path: Path) -> None:
    config = """<View><Image name="photo" value="$image"/><Brush name="b" toName="photo"/>
    <Labels name="l" toName="photo"><Label value="Hair"/><Label value="Face"/></Labels></View>"""
    mask = brush("Face", box(2, 5), type="brush", from_name="b")
    del mask["value"]["brushlabels"]
    label = mask | {"type": "labels", "from_name": "l", "value": mask["value"] | {"labels": ["Face"]}}
    parsing = only(write(tmp_path, task(1, annotation(mask, label)), config=config)).parsing(0)
    np.testing.assert_array_equal(parsing, np.where(box(2, 5), 2, 0))


def test_the_newest_annotation_counts_that_was_not_cancelled(tmp_path: Path) -> None:
    old, new = brush("Hair", box(1, 3)), brush("Face", box(4, 6))
    annotations = [
        annotation(new, number=5, day=9),
        annotation(old, number=6, day=2),
        annotation(old, number=7, day=20, was_cancelled=True),
        annotation(click("Hair"), number=8, day=21),
    ]
    tasks = [
        task(1, *annotations),
        task(2, annotation(old, was_cancelled=True)),
        task(3),
        task(4, annotation(click("Hair"))),
        task(5, annotation({"id": "p", "type": "rectanglelabels", "value": {}})),
        task(6, annotation(old | {"to_name": "another"})),
    ]
    dataset = only(write(tmp_path, *tasks))
    assert list(dataset.ids) == ["1"]
    np.testing.assert_array_equal(dataset.parsing(0), np.where(box(4, 6), 2, 0))
    assert dataset.left_out == {
        "2": "skipped",
        "3": "not annotated",
        "4": "nothing is drawn; clicks and rectangles are prompts and do not count",
        "5": "nothing is drawn; clicks and rectangles are prompts and do not count",
        "6": "nothing is drawn on photo",
    }


def test_an_annotation_that_label_studio_itself_sent(tmp_path: Path) -> None:
    """Two faces and clothes, each mask kept twice since a label was chosen while they were accepted."""
    sent = json.loads((CAPTURES / "42_webhook_created_double_results.json").read_text())["request"]
    exported = sent["task"] | {"annotations": [sent["annotation"]]}
    root = write(tmp_path, exported, config=sent["project"]["label_config"])
    Image.new("RGB", (800, 600)).save(root / "images" / Path(exported["data"]["image"]).name)
    dataset = only(root)
    parsing = dataset[0].parsing
    assert {dataset.labels.names[label] for label in np.unique(parsing)} == {"Background", "Face", "UpperClothes"}
    names = [dataset.labels.names[parsing[y, x]] for x, y in ((400, 108), (447, 210), (400, 360), (600, 300))]
    assert names == ["Face", "Face", "UpperClothes", "Background"]


def test_soft_edges_are_cut_at_half(tmp_path: Path) -> None:
    # What the editor writes for pixels of alpha 0, 127, 128, 255: one packet of literal bytes.
    alpha = (0, 127, 128, 255)
    words = [value for value in alpha for _ in range(4)]
    bits = f"{len(words):032b}" + f"{7:05b}" + "".join(f"{size - 1:04b}" for size in (3, 4, 8, 16))
    bits += "0" + "01" + f"{len(words) - 1:04b}" + "".join(f"{word:08b}" for word in words)
    bits = bits.ljust(-(-len(bits) // 8) * 8, "0")
    region = brush("Hair", np.ones((1, 4), bool))
    region["value"]["rle"] = [int(bits[start : start + 8], 2) for start in range(0, len(bits), 8)]
    dataset = only(write(tmp_path, task(1, annotation(region))))
    assert dataset.parsing(0).tolist() == [[0, 0, 1, 1]]


def test_labels_may_be_given(tmp_path: Path) -> None:
    config = CONFIG.replace("Left arm", "LeftArm").replace("Hair", "hairs")
    root = write(tmp_path, task(1, annotation(brush("la", box(1, 3)), brush("hairs", box(6, 9)))), config=config)
    dataset = only(root, labels=CCP)
    assert dataset.labels is CCP
    wanted = np.where(box(1, 3), CCP.id_of("left arm"), 0) + np.where(box(6, 9), CCP.id_of("hair"), 0)
    np.testing.assert_array_equal(dataset.parsing(0), wanted)
    (root / "labelling_config.xml").unlink()
    with pytest.raises(
        SampleError, match=r"task 1, region r-la: label 'la' is unknown; rename it or add it to the labels"
    ):
        only(root, labels=CCP)


def test_without_labels(tmp_path: Path) -> None:
    root = write(tmp_path, task(1, annotation(brush("Hair", box(1, 3)))), config=None)
    with pytest.raises(ValueError, match=r"labels: .*labelling_config\.xml is missing; copy it from Settings"):
        only(root)
    assert only(root, labels=LabelSet(("background", "hair"))).parsing(0).max() == 1


def test_the_split_is_the_tasks_own() -> None:
    splits = {str(number): split_of(str(number), 0.2) for number in range(2000)}
    assert 340 < list(splits.values()).count("val") < 460
    # Known once and for all: an export of next year must not mix what was apart.
    assert [number for number in range(12) if splits[str(number)] == "val"] == [8, 9]
    grown = {str(number) for number in range(2000) if split_of(str(number), 0.3) == "val"}
    assert {number for number, split in splits.items() if split == "val"} <= grown


def test_both_splits_together_are_the_export(tmp_path: Path) -> None:
    root = write(tmp_path, *(task(number, annotation(brush("Hair", box(1, 3)))) for number in range(1, 30)))
    train, val = ExportDataset(root, "train"), ExportDataset(root, "val")
    assert sorted([*train.ids, *val.ids], key=int) == [str(number) for number in range(1, 30)]
    assert 0 < len(val) < len(train)


@pytest.mark.parametrize(
    ("address", "file"),
    [
        ("/data/upload/2/0f00aa11-me.jpg", "images/2/0f00aa11-me.jpg"),
        ("/data/upload/2/0f00aa11-me.jpg", "images/me.jpg"),
        ("/data/local-files/?d=people%2Fmy%20own.jpg", "images/people/my own.jpg"),
        ("https://example.org/a/b.jpg?token=secret", "b.jpg"),
        ("s3://bucket/a/b.jpg", "images/a/b.jpg"),
    ],
)
def test_finds_photographs(address: str, file: str, tmp_path: Path) -> None:
    root = write(tmp_path, task(1, annotation(brush("Hair", box(1, 3))), image=address))
    for stray in (root / "images").rglob("*.jpg*"):
        stray.unlink()
    with pytest.raises(
        FileNotFoundError, match=r"images: the photographs of task 1 \(.*\) are not in .*images or "
    ) as caught:
        only(root)
    assert "secret" not in str(caught.value)
    (root / file).parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (WIDTH, HEIGHT), (9, 9, 9)).save(root / file)
    assert only(root)[0].image[0, 0].tolist() == [9, 9, 9]


def test_local_paths_data_uris_and_turned_photographs(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.png"
    Image.new("RGB", (WIDTH, HEIGHT), (1, 2, 3)).save(elsewhere)
    uri = "data:image/png;base64," + base64.b64encode(elsewhere.read_bytes()).decode()
    turned = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # stored on its side
    Image.new("RGB", (HEIGHT, WIDTH)).save(turned, exif=exif)
    (tmp_path / "export").mkdir()
    made = annotation(brush("Hair", box(1, 3)))
    addresses = enumerate((str(elsewhere), uri, turned.as_uri()), start=1)
    dataset = only(write(tmp_path / "export", *(task(n, made, image=address) for n, address in addresses)))
    assert [dataset[index].image.shape for index in range(3)] == [(HEIGHT, WIDTH, 3)] * 3
    assert dataset[1].image[0, 0].tolist() == [1, 2, 3]


def test_regions_drawn_on_a_photograph_as_it_is_stored(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    stored[1:3] = 255
    file = tmp_path / "stored.png"
    Image.fromarray(stored).save(file, exif=exif)
    root = write(tmp_path / "export", task(1, annotation(brush("Hair", box(1, 3, 0, WIDTH))), image=file.as_uri()))
    sample = only(root)[0]
    assert sample.image.shape[:2] == sample.parsing.shape == (HEIGHT, WIDTH)
    np.testing.assert_array_equal(sample.parsing > 0, sample.image[..., 0] == 255)
    assert "task 1, stored.png: turned as its regions are" in caplog.text


def test_does_not_leave_its_folder(tmp_path: Path) -> None:
    Image.new("RGB", (WIDTH, HEIGHT)).save(tmp_path / "secret.jpg")
    (tmp_path / "export").mkdir()
    made = annotation(brush("Hair", box(1, 3)))
    root = write(tmp_path / "export", task(1, made, image="/data/local-files/?d=../../secret.jpg"))
    for stray in (root / "images").rglob("*.jpg"):
        stray.unlink()
    with pytest.raises(FileNotFoundError, match="images: the photographs of task 1"):
        only(root)


def region_with(**value: Any) -> dict[str, Any]:
    region = brush("Hair", box(1, 3))
    return region | {"value": region["value"] | value}


@pytest.mark.parametrize(
    ("region", "message", "ignored"),
    [
        (brush("Nose", box(1, 3)), r"region r-Nose: labels \['Nose'\] do not name one label", box(1, 3)),
        (region_with(brushlabels=["Hair", "Face"]), r"region r-Hair: labels \['Hair', 'Face'\] do not", box(1, 3)),
        (region_with(brushlabels=[]), r"region r-Hair: labels None do not name one label", box(1, 3)),
        (region_with(rle="xyz"), r"region r-Hair: rle: str is no list of bytes", ~box(5, 7)),
        (region_with(rle=[1, 2, 300]), r"region r-Hair: rle: not a list of integers 0\.\.255", ~box(5, 7)),
        (brush("Hair", box(1, 3), original_width=None), r"region r-Hair: original_width, original_height", ~box(5, 7)),
        (brush("Hair", np.ones((4, 4), bool)), r"region r-Hair: 4 x 4 pixels, others have 16 x 12", ~box(5, 7)),
        (region_with(rle=[]), r"region r-Hair: value: neither rle nor", box(0, 0)),
        (brush("Hair", box(0, 0)), r"region r-Hair: value: no pixel is painted", box(0, 0)),
    ],
)
def test_an_unusable_region_costs_itself_and_is_named(
    region: dict[str, Any], message: str, ignored: np.ndarray, tmp_path: Path
) -> None:
    # The size that most regions have counts, so there is one more.
    root = write(tmp_path, task(1, annotation(brush("Face", box(5, 6)), region, brush("Face", box(6, 7), id="more"))))
    dataset = only(root)
    parsing = dataset.parsing(0)
    np.testing.assert_array_equal(parsing, np.where(box(5, 7), 2, np.where(ignored, 255, 0)))
    ((note,),) = dataset.notes.values()
    assert re.match(message, note)


def test_polygons_ellipses_and_bitmasks_count_like_brushes(tmp_path: Path) -> None:
    ellipse = brush("Hair", box(0, 0), type="ellipselabels")
    ellipse["value"] = {"x": 50, "y": 50, "radiusX": 25, "radiusY": 25, "ellipselabels": ["Hair"]}
    polygon = brush("Face", box(0, 0), type="polygonlabels")
    polygon["value"] = {"points": [[0, 0], [50, 0], [50, 20], [0, 20]], "polygonlabels": ["Face"]}
    file = io.BytesIO()
    Image.fromarray(np.where(box(10, 12), 255, 0).astype(np.uint8)).save(file, "PNG")
    bitmask = brush("la", box(0, 0), type="bitmasklabels")
    data = base64.b64encode(file.getvalue()).decode()
    bitmask["value"] = {"imageDataURL": f"data:image/png;base64,{data}", "bitmasklabels": ["la"]}
    dataset = only(write(tmp_path, task(1, annotation(ellipse, polygon, bitmask))))
    parsing = dataset.parsing(0)
    assert (parsing[6, 8], parsing[1, 2], parsing[3, 15]) == (1, 2, 0)
    np.testing.assert_array_equal(parsing == 3, box(10, 12))


def test_a_label_of_the_config_that_the_given_labels_lack_is_an_error(tmp_path: Path) -> None:
    root = write(tmp_path, task(1, annotation(brush("Hair", box(1, 3)))))
    with pytest.raises(SampleError, match=r"task 1, region r-Hair: label 'Hair' is unknown; .* background, nose"):
        only(root, labels=LabelSet(("background", "nose")))


def test_faults_of_samples(tmp_path: Path) -> None:
    small = np.ones((4, 4), bool)
    tasks = [
        task(1, annotation(brush("Hair", box(1, 3)), brush("Face", small))),
        task(2, annotation(brush("Hair", small))),
        task(3, annotation(region_with(rle=encode(box(1, 3))[:9]))),
        task(4, annotation(brush("Hair", box(1, 3)))),
        task(5, annotation(brush("Hair", box(1, 3)))),
    ]
    root = write(tmp_path, *tasks)
    (root / "images/2/e46c5443-person4.jpg").write_bytes(b"<html>")
    report = check_dataset(only(root))
    faults = [str(fault) for fault in report.faults]
    assert report.readable == 2
    assert len(faults) == 3
    assert "task 2: 4 x 4 pixels, but e46c5443-person2.jpg has 16 x 12" in faults[0]
    assert "task 3: nothing is drawn (region r-Hair: rle: ends after" in faults[1]
    assert "e46c5443-person4.jpg: unreadable" in faults[2]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"export\.json: no JSON \(.*\); export the project as JSON"),
        ('{"images": []}', r"export\.json: holds no list of tasks"),
        (
            '[{"id": 3, "image": "a.jpg", "part": []}]',
            r"task 3 has no list of annotations; export as JSON, not as JSON-MIN",
        ),
        ('[{"id": 3, "annotations": []}, {"id": 3, "annotations": []}]', r"task 3 stands there twice; export"),
    ],
)
def test_files_that_are_no_export(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "labelling_config.xml").write_text(CONFIG)
    (tmp_path / "export.json").write_text(content)
    with pytest.raises(ValueError, match=message):
        ExportDataset(tmp_path, "train")


def test_folders_and_options(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"holds 0 JSON files \(none\); give the one that was exported"):
        ExportDataset(tmp_path, "train")
    with pytest.raises(FileNotFoundError, match=r"nowhere is missing; give the JSON export"):
        ExportDataset(tmp_path / "nowhere", "train")
    root = write(tmp_path, task(1, annotation(brush("Hair", box(1, 3)))))
    with pytest.raises(ValueError, match=r"split: 'test' does not exist; an export has train, val"):
        ExportDataset(root, "test")
    with pytest.raises(ValueError, match=r"val_share: 1.0 is no share"):
        ExportDataset(root, "val", val_share=1.0)
    with pytest.raises(ValueError, match=r"val_share: a fifth is no share"):
        ExportDataset(root, "val", val_share="a fifth")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"image: 'other' does not name one image tag of the config; it has photo"):
        only(root, image="other")
    with pytest.raises(FileNotFoundError, match=r"labelling_config: nowhere\.xml is missing"):
        only(root, labelling_config="nowhere.xml")


def test_labels_read_by_spelling_or_synonym_are_told(tmp_path: Path) -> None:
    config = CONFIG.replace("Hair", "Trousers").replace("Face", "face")
    made = annotation(brush("Trousers", box(1, 3)), brush("face", box(4, 5)), brush("la", box(6, 9)))
    root = write(tmp_path, task(1, made), config=config)
    told = only(root, labels="ccp").assumptions["label_names"]
    assert "'Trousers' as 'pants' (synonym)" in told
    assert "'Left arm' as 'left arm' (spelling)" in told
    assert "'face'" not in told
    named = only(root, labels="ccp", label_names={"Trousers": "skirt", "Left arm": "right arm"})
    assert "label_names" not in named.assumptions
    found = [named.labels.names[label] for label in np.unique(named.parsing(0))]
    assert found == ["background", "skirt", "face", "right arm"]
    assert "label_names" not in only(root).assumptions
    with pytest.raises(ValueError, match=r"label_names: 'kilt' is none of the labels, which are background, hat"):
        only(root, labels="ccp", label_names={"Trousers": "kilt"})
    with pytest.raises(ValueError, match=r"label_names: 'kilt' is no \{NAME: LABEL\}"):
        only(root, labels="ccp", label_names="kilt")
    with pytest.raises(ValueError, match=r"labels: 'ccpp' is unknown; choose one of ccp"):
        only(root, labels="ccpp")


def test_one_of_several_annotators(tmp_path: Path) -> None:
    mine = annotation(brush("Hair", box(1, 3)), number=1, day=1, completed_by=7)
    newer = annotation(brush("Face", box(1, 3)), number=2, day=2, completed_by={"id": 8, "email": "b@example.org"})
    cancelled = annotation(number=3, day=3, completed_by=7, was_cancelled=True)
    root = write(tmp_path, task(1, mine, newer), task(2, newer), task(3, mine, cancelled), task(4))
    dataset = only(root)
    assert dataset.assumptions["annotator"].startswith("1 task has several annotations, of which the newest counts")
    assert [int(dataset.parsing(index).max()) for index in range(3)] == [2, 2, 1]
    own = only(root, annotator=7)
    assert list(own.ids) == ["1", "3"]
    assert own.parsing(0).max() == 1
    assert own.left_out == {"2": "not annotated by user 7", "4": "not annotated"}
    assert "annotator" not in own.assumptions


def test_says_what_it_assumes(tmp_path: Path) -> None:
    root = write(tmp_path, *(task(number, annotation(brush("Hair", box(1, 3)))) for number in range(1, 30)))
    dataset = ExportDataset(root, "val")
    assert set(dataset.assumptions) == {"labelling_config", "images", "val_share"}
    assert f"labels and image tag are those of {root}/labelling_config.xml" in dataset.assumptions["labelling_config"]
    assert f"{len(dataset)} of 29 tasks with masks are val; val_share=0.15" in dataset.assumptions["val_share"]
    given = ExportDataset(root, "val", labelling_config=root / "labelling_config.xml")
    assert "labelling_config" not in given.assumptions
    (root / "labelling_config.xml").unlink()
    without = ExportDataset(root, "val", labels=LabelSet(("background", "Hair")))
    assert (
        "labelling_config.xml is missing; labels are called as in the annotations"
        in (without.assumptions["labelling_config"])
    )


def test_a_labelling_config_of_windows(tmp_path: Path) -> None:
    root = write(tmp_path, task(1, annotation(brush("Hair", box(1, 3)))))
    (root / "labelling_config.xml").write_bytes(CONFIG.encode("utf-16"))
    assert only(root).labels.names == ("background", "Hair", "Face", "Left arm")
    (root / "labelling_config.xml").write_bytes(CONFIG.replace("Face", "Gesicht ü").encode("latin-1"))
    with pytest.raises(ValueError, match=r"labelling_config\.xml: line 2 is not UTF-8; save it as UTF-8"):
        only(root)


SHOTS = """<View><Repeater on="$shots"><Image name="i_{{idx}}" value="$shots[{{idx}}].url"/>
<BrushLabels name="b_{{idx}}" toName="i_{{idx}}"><Label value="Hair"/></BrushLabels></Repeater></View>"""


def with_data(item: dict[str, Any], **data: Any) -> dict[str, Any]:
    return {**item, "data": {**item["data"], **data}}


def test_labels_from_the_tasks(tmp_path: Path) -> None:
    config = CONFIG.replace('name="part" toName="photo"', 'name="part" toName="photo" value="$parts"').replace(
        '<Label value="Face"/>', '<Label value="$first"/>'
    )
    first = with_data(task(1, annotation(brush("$first", box(1, 3)))), first="Nose", parts=[{"value": "Hat"}])
    second = with_data(task(2, annotation(brush("S", box(1, 3)))), first="Ear", parts=[{"value": "Shoe", "alias": "S"}])
    lacking = with_data(task(3, annotation(brush("$first", box(1, 3)))), parts=[])
    dataset = only(write(tmp_path, first, second, lacking, config=config))
    assert dataset.labels.names == ("background", "Hair", "Left arm", "Nose", "Hat", "Ear", "Shoe")
    assert [int(dataset.parsing(index).max()) for index in range(2)] == [3, 6]
    assert "data.first: None: import the task with a text" in dataset.left_out["3"]


@pytest.mark.parametrize(
    ("value", "data"),
    [
        ("$meta.image", {"meta": {"image": "person1.jpg"}}),
        ("$images[0]", {"images": ["person1.jpg"]}),
        ("http://host/$file", {"file": "person1.jpg"}),
    ],
)
def test_photographs_at_nested_places_and_in_templates(tmp_path: Path, value: str, data: dict[str, Any]) -> None:
    root = write(tmp_path, task(1, annotation(brush("Hair", box(1, 3)))), config=CONFIG.replace("$image", value))
    file = root / "project-1-at-2026-11-20.json"
    (exported,) = json.loads(file.read_text())
    (root / "images" / "2" / "e46c5443-person1.jpg").rename(root / "images" / "person1.jpg")
    file.write_text(json.dumps([{**exported, "data": data}]))
    assert only(root)[0].image.shape == (HEIGHT, WIDTH, 3)
    file.write_text(json.dumps([{**exported, "data": {}}]))
    with pytest.raises(FileNotFoundError, match=r"task 1 \(data\.[a-z.\[\]0]+: None\)"):
        only(root)


def test_one_of_the_repeated_photographs(tmp_path: Path) -> None:
    on = [brush("Hair", box(1, 3 + number), to_name=f"i_{number}") for number in range(2)]
    shots = [{"url": "person1.jpg"}, {"url": "person2.jpg"}]
    both = with_data(task(1, annotation(*on)), shots=shots)
    fewer = with_data(task(2, annotation(on[0])), shots=shots[:1])
    root = write(tmp_path, both, fewer, config=SHOTS)
    for number in (1, 2):
        Image.new("RGB", (WIDTH, HEIGHT), (0, number, 0)).save(root / "images" / f"person{number}.png")
        (root / "images" / f"person{number}.png").rename(root / "images" / f"person{number}.jpg")
    dataset = only(root, image="i_1")
    assert list(dataset.ids) == ["1"]
    np.testing.assert_array_equal(dataset[0].parsing, np.where(box(1, 4), 1, 0))
    assert dataset[0].image[0, 0, 1] == 2
    assert dataset.left_out == {"2": "no image i_1"}
    with pytest.raises(ValueError, match="image: None does not name one image tag of the config; it has i_0, i_1"):
        only(root)
    with pytest.raises(ValueError, match="image: 'i_9' does not name one image tag"):
        only(root, image="i_9")
