"""Exports of accepted work, each opened by somebody else's reader."""

from __future__ import annotations

import csv
import io
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from pycocotools.coco import COCO

from ihp_backend.datasets import check_dataset, open_dataset
from ihp_backend.finetuning.accepted_export import ExportError, export, outlines, run_lengths
from ihp_backend.finetuning.accepted_index import Index
from ihp_backend.finetuning.accepted_set import AcceptedSet
from ihp_backend.finetuning.ingest import ingest
from ihp_backend.finetuning.photograph_store import PhotographStore
from tests.finetuning.test_accepted_set import Place, region

HEIGHT, WIDTH = 60, 80
HAT, COAT = 1, 2
ADDRESSES = {
    1: "/data/upload/7/1a2b3c4d-on the street.jpg",
    2: "/data/upload/7/deadbeef-on%20the%20street.jpg",
    3: "/data/local-files/?d=people/l%C3%B6we.png",
    4: "https://user:secret@host/a/portrait.jpeg?X-Signature=secret",
    5: "s3://bucket/",
    **{task: f"/data/upload/7/{task}.png" for task in range(6, 14)},
}


def masks(task: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """A hat with two holes, in two pieces, and a coat of pixels here and there."""
    hat, coat = np.zeros((2, HEIGHT, WIDTH), bool)
    hat[5:30, 10:40] = True
    hat[12:20, 15:22] = hat[22:25, 30:33] = False
    hat[40 + task % 5 : 55, 60:75] = True
    coat[32:38] = np.random.default_rng(task).random((6, WIDTH)) < 0.5
    return hat, coat


def picture(task: int) -> bytes:
    """A photograph; that of task 4 is a JPEG that lies on its side."""
    pixels = np.random.default_rng(task).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    file = io.BytesIO()
    if task == 4:
        turned = Image.Exif()
        turned[0x0112] = 6
        Image.fromarray(np.ascontiguousarray(np.rot90(pixels))).save(file, "JPEG", exif=turned, quality=95)
    else:
        Image.fromarray(pixels).save(file, "PNG" if task in (3, *range(6, 14)) else "JPEG")
    return file.getvalue()


def wanted(task: int, undrawn: int = 0) -> NDArray[np.uint8]:
    """The mask that an export shall have; one region of task 6 cannot be read, so what else is undrawn is unknown."""
    hat, coat = masks(task)
    label_map = np.full((HEIGHT, WIDTH), 255 if task == 6 else undrawn, np.uint8)
    label_map[hat], label_map[coat] = HAT, COAT
    return label_map


@pytest.fixture
def accepted(tmp_path: Path) -> tuple[AcceptedSet, Index, PhotographStore]:
    place = Place(tmp_path)
    broken = {**region("Hat"), "id": "broken", "value": {"format": "rle", "rle": [1], "brushlabels": ["Hat"]}}
    for task, address in ADDRESSES.items():
        hat, coat = masks(task)
        drawn = [region("Hat", hat), region("Coat", coat), *([broken] if task == 6 else [])]
        place.tell("ANNOTATION_CREATED", task, task, *drawn, data={"photo": address})
    ingest(place.inbox, place.annotation_store)
    index = place.set.update(place.annotation_store, "2", lambda address, task: picture(task))
    assert len(index.items) == len(ADDRESSES), index.left_out
    return place.set, index, PhotographStore(tmp_path / "photographs")


Write = Callable[..., Path]


@pytest.fixture
def write(accepted: tuple[AcceptedSet, Index, PhotographStore], tmp_path: Path) -> Write:
    def written(form: Any, **how: Any) -> Path:
        out = tmp_path / f"out-{form}"
        export(*accepted, out, form, **how)
        return out

    return written


def sources(out: Path) -> dict[int, dict[str, str]]:
    with (out / "sources.csv").open(newline="", encoding="utf-8") as file:
        return {int(row["task"]): row for row in csv.DictReader(file)}


def test_photographs_keep_their_names_and_say_where_they_are_from(write: Write) -> None:
    rows = sources(write("png"))
    names = [rows[task]["file"] for task in range(1, 7)]
    assert names == ["on the street.jpg", "on the street-2.jpg", "löwe.png", "portrait.jpg", "task-5.jpg", "6.png"]
    assert rows[4]["address"] == "https://host/a/portrait.jpeg?..."
    assert {row["split"] for row in rows.values()} == {"train", "val"}
    assert (rows[1]["annotations"], rows[1]["seconds"]) == ("1", "10.0")


@pytest.mark.parametrize(("form", "undrawn"), [("png", "background"), ("png", "ignored"), ("mmseg", "ignored")])
def test_masks_are_what_was_drawn(write: Write, form: str, undrawn: str) -> None:
    out = write(form, undrawn=undrawn)
    rows, seen = sources(out), 0
    tasks = {Path(row["file"]).stem: task for task, row in rows.items()}
    options = {"first_id": 0} if undrawn == "ignored" else {}  # There is no background then.
    for split in ("train", "val"):
        dataset = open_dataset("folder", out, split, options)
        assert dataset.labels.names == ("background", "Hat", "Coat")
        assert not check_dataset(dataset).faults
        for number, name in enumerate(dataset.ids):
            sample, task = dataset[number], tasks[name]
            assert rows[task]["split"] == split
            np.testing.assert_array_equal(sample.parsing, wanted(task, 255 if undrawn == "ignored" else 0))
            with Image.open(io.BytesIO(picture(task))) as stored:
                upright = np.array(stored.transpose(Image.Transpose.ROTATE_270) if task == 4 else stored)
            # What had to be written anew is a JPEG again.
            assert np.abs(sample.image.astype(int) - upright).mean() < (30 if task == 4 else 1e-9)
            seen += 1
    assert seen == len(ADDRESSES)


def test_a_photograph_that_is_fine_is_copied_byte_by_byte(write: Write) -> None:
    out = write("png")
    assert (out / "images" / "on the street.jpg").read_bytes() == picture(1)
    with Image.open(out / "images" / "portrait.jpg") as image:
        assert (image.size, image.getexif().get(0x0112, 1)) == ((WIDTH, HEIGHT), 1)


def test_mmsegmentation_finds_one_ending_and_its_config_says_which(write: Write) -> None:
    out = write("mmseg")
    config = runpy.run_path(str(out / "dataset.py"))
    for split in ("train", "val"):
        dataset = config[f"{split}_dataset"]
        photographs = sorted((out / dataset["data_prefix"]["img_path"]).iterdir())
        masks_found = sorted((out / dataset["data_prefix"]["seg_map_path"]).iterdir())
        assert {file.suffix for file in photographs} == {dataset["img_suffix"]}
        assert [file.stem for file in photographs] == [file.stem for file in masks_found]
        with Image.open(masks_found[0]) as mask:
            palette = mask.getpalette() or []
        assert palette[3:6] == dataset["metainfo"]["palette"][1]
    assert config["metainfo"]["classes"] == ["background", "Hat", "Coat"]


def test_coco_reads_the_same_masks(write: Write) -> None:
    out, seen = write("coco"), 0
    for split in ("train", "val"):
        coco = COCO(str(out / "annotations" / f"{split}.json"))
        assert [one["name"] for one in coco.loadCats(coco.getCatIds())] == ["Hat", "Coat"]
        for image in coco.loadImgs(coco.getImgIds()):
            with Image.open(out / "images" / image["file_name"]) as photograph:
                assert photograph.size == (image["width"], image["height"]) == (WIDTH, HEIGHT)
            found = np.zeros((HEIGHT, WIDTH), np.uint8)
            for annotation in coco.loadAnns(coco.getAnnIds(imgIds=image["id"])):
                mask = coco.annToMask(annotation).astype(bool)
                found[mask] = annotation["category_id"]
                left, top, width, height = annotation["bbox"]
                assert mask.sum() == annotation["area"] == mask[top : top + height, left : left + width].sum()
            drawn = wanted(image["id"])
            np.testing.assert_array_equal(found, np.where(drawn == 255, 0, drawn))
            seen += 1
    assert seen == len(ADDRESSES)


def test_yolo_polygons_fill_the_same_pixels(write: Write) -> None:
    out = write("yolo")
    for task, row in sources(out).items():
        file = out / "labels" / row["split"] / f"{Path(row['file']).stem}.txt"
        assert (out / "images" / row["split"] / row["file"]).is_file()
        found = np.zeros((2, HEIGHT, WIDTH), bool)
        for line in file.read_text().splitlines():
            label, *corners = line.split()
            found[int(label)] |= filled(np.array(corners, float).reshape(-1, 2) * (WIDTH, HEIGHT))
        for mask, drawn in zip(found, masks(task), strict=True):
            assert (mask == drawn).mean() > 0.995
    assert (out / "data.yaml").read_text().endswith('names:\n  0: "Hat"\n  1: "Coat"\n')


def filled(corners: NDArray[np.float64], scale: int = 8) -> NDArray[np.bool_]:
    """The pixels of which most lies in a polygon, by Pillow on a finer grid."""
    image = Image.new("L", (WIDTH * scale, HEIGHT * scale))
    ImageDraw.Draw(image).polygon([(x * scale - 0.5, y * scale - 0.5) for x, y in corners], fill=1)
    return np.array(image).reshape(HEIGHT, scale, WIDTH, scale).mean((1, 3)) > 0.5


def test_no_outline_of_nothing_and_one_around_everything() -> None:
    assert list(outlines(np.zeros((4, 5), bool))) == []
    (whole,) = outlines(np.ones((4, 5), bool))
    assert filled(whole)[:4, :5].all()


@pytest.mark.parametrize("mask", [np.zeros((3, 4), bool), np.ones((3, 4), bool), np.eye(4, dtype=bool)])
def test_run_lengths_add_up(mask: NDArray[np.bool_]) -> None:
    counts = run_lengths(mask)
    assert sum(counts) == mask.size
    assert sum(counts[1::2]) == mask.sum()


def test_what_is_interrupted_leaves_nothing(write: Write, tmp_path: Path) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write("png", done=interrupted)
    assert not list(tmp_path.glob("*out-png*"))
    assert (write("png") / "train.txt").is_file()


def test_what_cannot_be_written_is_said(write: Write, tmp_path: Path) -> None:
    for form in ("coco", "yolo"):
        with pytest.raises(ExportError, match=f"undrawn: {form} cannot say that pixels are to be ignored"):
            write(form, undrawn="ignored")
    (tmp_path / "out-png").mkdir()
    (tmp_path / "out-png" / "mine").touch()
    with pytest.raises(ExportError, match="is not empty; give a new folder"):
        write("png")
