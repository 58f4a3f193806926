"""What readers assume is told with its evidence, and an option says otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ihp_backend.datasets import SampleError, check_dataset, open_dataset, options_of
from ihp_backend.datasets.reading import read_mask
from ihp_backend.labels import HELEN, LIP, PASCAL_PERSON_PART_M2FP

from .trees import striped, with_sides, write_helen, write_mask, write_pairs

LEFT, RIGHT = LIP.flip_pairs[0]


def lip(root: Path, *masks: np.ndarray, folder: str = "val_segmentations", **options: Any) -> Path:
    """A validation split of LIP."""
    drawn = {f"1000_{number}": mask for number, mask in enumerate(masks)}
    return write_pairs(root, "val_images/{id}.jpg", folder + "/{id}.png", drawn, **options)


def test_the_layout_that_counts_and_the_others(tmp_path: Path) -> None:
    lip(tmp_path, striped((1, 13, 5)))
    lip(tmp_path, striped((2, 9)), folder="val_labels")
    dataset = open_dataset("lip", tmp_path, "val")
    np.testing.assert_array_equal(dataset.parsing(0), striped((1, 13, 5)))
    told = dataset.assumptions["layout"]
    assert told.startswith("number 2 of 4, val_images/{id}.jpg with val_segmentations/{id}.png")
    assert "there, too: number 4, val_images/{id}.jpg with val_labels/{id}.png" in told
    other = open_dataset("lip", tmp_path, "val", {"layout": 4})
    np.testing.assert_array_equal(other.parsing(0), striped((2, 9)))
    assert "layout" not in other.assumptions
    with pytest.raises(ValueError, match=r"layout: 9 is none; LIP has layouts 1 to 4"):
        open_dataset("lip", tmp_path, "val", {"layout": 9})
    with pytest.raises(FileNotFoundError, match=r"holds no val split of LIP in a known layout"):
        open_dataset("lip", tmp_path, "val", {"layout": 1})


def test_the_list_that_counts_and_the_others(tmp_path: Path) -> None:
    root = lip(tmp_path, *[striped((1, 13, 5))] * 3)
    (root / "list").mkdir()
    (root / "val_id.txt").write_text("1000_0\n")
    (root / "list/val_id.txt").write_text("1000_1\n1000_2\n")
    dataset = open_dataset("lip", root, "val")
    told = dataset.assumptions["ids"]
    assert told.startswith(f"{root}/val_id.txt lists the photographs; 1 listed, 3 masks in {root}/val_segmentations")
    assert f"{root}/list/val_id.txt differs from it and does not count" in told
    (root / "lists").mkdir()
    (root / "lists/val_id.txt").write_bytes(b"\xff")
    told = open_dataset("lip", root, "val").assumptions["ids"]
    assert f"{root}/list/val_id.txt, {root}/lists/val_id.txt differ from it and do not count" in told
    other = open_dataset("lip", root, "val", {"ids": "list/{split}_id.txt"})
    assert list(other.ids) == ["1000_1", "1000_2"]
    assert "ids" not in other.assumptions
    assert len(open_dataset("lip", root, "val", {"ids": "all"})) == 3
    with pytest.raises(FileNotFoundError, match=r"ids: .*/mine\.txt is missing; give a list below"):
        open_dataset("lip", root, "val", {"ids": "mine.txt"})


def test_all_masks_of_a_folder_that_the_splits_share(tmp_path: Path) -> None:
    write_pairs(tmp_path, "JPEGImages/{id}.jpg", "SegmentationClassAug/{id}.png", {"a": striped((1, 2))})
    assert list(open_dataset("atr", tmp_path, "test", {"ids": "all"}).ids) == ["a"]


def test_ids_that_count_from_1(tmp_path: Path) -> None:
    mask = striped((1, 13, 19)) + 1
    mask[mask == 0] = 255  # what was to be ignored
    root = lip(tmp_path, mask)
    report = check_dataset(open_dataset("lip", root, "val"))
    assert "first_id says from which number they count" in str(report.faults[0])
    write_mask(root / "val_segmentations/1000_0.png", np.where(mask == 20, 14, mask).astype(np.uint8))
    report = check_dataset(open_dataset("lip", root, "val"))
    assert [str(fault) for fault in report.faults] == [
        "first_id: no pixel of any mask has id 0, the background; say first_id=1 if ids count from 1, first_id=0 if "
        "there is no background"
    ]
    write_mask(root / "val_segmentations/1000_0.png", mask)
    shifted = open_dataset("lip", root, "val", {"first_id": 1})
    np.testing.assert_array_equal(shifted.parsing(0), striped((1, 13, 19)))
    report = check_dataset(shifted)
    assert report.faults == []
    assert "first_id" not in report.assumptions


def test_ids_below_the_first_are_ignored(tmp_path: Path) -> None:
    parsing = open_dataset("lip", lip(tmp_path, np.array([[0, 1, 14]], np.uint8)), "val", {"first_id": 1}).parsing(0)
    assert parsing.tolist() == [[255, 0, 13]]


def test_sides_of_the_viewer(tmp_path: Path) -> None:
    drawn = with_sides(LEFT, RIGHT)  # left is at the photograph's left, as the viewer sees it
    root = lip(tmp_path, *[drawn] * 20)
    report = check_dataset(open_dataset("lip", root, "val"))
    assert [fault.file for fault in report.faults] == ["sides"]
    assert "lies to the left of its right one 20 times of 20" in report.faults[0].value
    assert "say sides=viewer if left is the viewer's left" in report.faults[0].remedy
    viewer = open_dataset("lip", root, "val", {"sides": "viewer"})
    np.testing.assert_array_equal(viewer.parsing(0), with_sides(RIGHT, LEFT))
    assert check_dataset(viewer).faults == []
    assert check_dataset(open_dataset("lip", root, "val", {"sides": "person"})).faults == []


def test_sides_of_the_person_and_too_few_to_tell(tmp_path: Path) -> None:
    person = check_dataset(open_dataset("lip", lip(tmp_path / "a", *[with_sides(RIGHT, LEFT)] * 20), "val"))
    assert person.faults == []
    assert "0 times of 20" in person.assumptions["sides"]
    few = check_dataset(open_dataset("lip", lip(tmp_path / "b", *[with_sides(LEFT, RIGHT)] * 3), "val"))
    assert few.faults == []
    assert "3 times of 3" in few.assumptions["sides"]
    none = check_dataset(open_dataset("lip", lip(tmp_path / "c", striped((1, 2))), "val"))
    assert none.assumptions["sides"] == "left and right are the person's own; sides=viewer exchanges them"


def test_sides_of_helen(tmp_path: Path) -> None:
    maps = np.zeros((11, 6, 8), np.uint8)
    maps[2, :, :3], maps[3, :, 5:] = 255, 255
    root = write_helen(tmp_path, {"1_1": maps}, "tuning.txt")
    assert open_dataset("helen", root, "val").parsing(0)[0, 0] == HELEN.id_of("left brow")
    assert open_dataset("helen", root, "val", {"sides": "viewer"}).parsing(0)[0, 0] == HELEN.id_of("right brow")
    assert check_dataset(open_dataset("helen", root, "val")).assumptions["sides"].startswith("left and right are")


def test_photographs_that_are_stored_turned(tmp_path: Path) -> None:
    root = lip(tmp_path, *[striped((1, 13, 5))] * 2)
    assert "upright" not in open_dataset("lip", root, "val").assumptions
    exif = Image.Exif()
    exif[0x0112] = 6  # stored on its side
    Image.new("RGB", (48, 32)).save(root / "val_images/1000_1.jpg", exif=exif)
    dataset = open_dataset("lip", root, "val")
    assert "1 of 2 looked at say in EXIF that they are turned; upright=true" in dataset.assumptions["upright"]
    with pytest.raises(SampleError, match=r"1000_1\.jpg has 48 x 32; give both in the same size"):
        dataset[1]
    upright = open_dataset("lip", root, "val", {"upright": True})
    assert [upright[index].image.shape for index in range(2)] == [(48, 32, 3)] * 2
    assert "upright" not in upright.assumptions


def palette_image(file: Path, ids: np.ndarray, colours: list[tuple[int, int, int]]) -> Path:
    """A palette mask."""
    file.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(ids.astype(np.uint8), mode="P")
    image.putpalette([value for colour in colours for value in colour])
    image.save(file)
    return file


VOC = [(0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0), (0, 0, 128)]


def test_where_the_ids_of_a_mask_are(tmp_path: Path) -> None:
    ids = np.array([[0, 1, 2], [2, 1, 0]])
    greys = palette_image(tmp_path / "greys.png", ids, [(5, 5, 5), (0, 0, 0), (13, 13, 13)])
    assert read_mask(greys).tolist() == ids.tolist()
    assert read_mask(greys, "greys").tolist() == [[5, 0, 13], [13, 0, 5]]
    shuffled = palette_image(tmp_path / "colours.png", ids, [VOC[4], VOC[0], VOC[3]])
    assert read_mask(shuffled, "colours").tolist() == [[4, 0, 3], [3, 0, 4]]
    with pytest.raises(SampleError, match=r"4 pixels of colours that stand for no id, for example \(0, 0, 128\)"):
        read_mask(shuffled, "greys")
    grey = np.array([[0, 7, 255]], np.uint8)
    Image.fromarray(np.repeat(grey[..., None], 3, axis=2)).save(tmp_path / "rgb.png")
    assert read_mask(tmp_path / "rgb.png", "greys").tolist() == grey.tolist()
    Image.fromarray(grey).save(tmp_path / "grey.png")
    assert read_mask(tmp_path / "grey.png", "colours").tolist() == grey.tolist()
    with pytest.raises(SampleError, match=r"a mask in colour \(RGB\).*ids_in=greys or ids_in=colours"):
        read_mask(tmp_path / "rgb.png")


def test_every_id_has_the_colour_of_pascal_voc(tmp_path: Path) -> None:
    def slow(label: int) -> tuple[int, int, int]:
        red = green = blue = 0
        for place in range(8):
            red |= (label & 1) << (7 - place)
            green |= ((label >> 1) & 1) << (7 - place)
            blue |= ((label >> 2) & 1) << (7 - place)
            label >>= 3
        return red, green, blue

    picture = np.array([[slow(label) for label in range(256)]], np.uint8)
    Image.fromarray(picture).save(tmp_path / "voc.png")
    assert read_mask(tmp_path / "voc.png", "colours").tolist() == [list(range(256))]


def test_kinds_of_masks_are_told(tmp_path: Path) -> None:
    root = lip(tmp_path, striped((1, 13, 5)), striped((1, 13, 5)))
    palette_image(root / "val_segmentations/1000_1.png", striped((1, 2)) % 3, [(5, 5, 5), (0, 0, 0), (13, 13, 13)])
    told = open_dataset("lip", root, "val").assumptions["ids_in"]
    assert "(of 2 looked at: 1 grey, 1 with a palette of other greys)" in told
    assert "ids_in" not in open_dataset("lip", root, "val", {"ids_in": "indices"}).assumptions


def test_ids_beyond_the_labels_may_be_ignored(tmp_path: Path) -> None:
    root = lip(tmp_path, np.array([[0, 19, 20, 77, 255]], np.uint8))
    with pytest.raises(SampleError, match=r"ids 20, 77 on 2 pixels.*beyond=ignore"):
        open_dataset("lip", root, "val").parsing(0)
    assert open_dataset("lip", root, "val", {"beyond": "ignore"}).parsing(0).tolist() == [[0, 19, 255, 255, 255]]


def test_the_order_of_ids_with_its_evidence(tmp_path: Path) -> None:
    parts = [PASCAL_PERSON_PART_M2FP.id_of(part) for part in ("head", "torso", "upper legs")]
    pattern = "Training/Category_ids/{id}.png"
    root = write_pairs(tmp_path, "Training/Images/{id}.jpg", pattern, {"2008_1": striped(parts)})
    dataset = open_dataset("pascal-person-part", root, "train")
    assert dataset.assumptions["order"].startswith("m2fp, since id 2 lies highest in 1 masks looked at, 27 % of the")
    assert "next id 4 with" in dataset.assumptions["order"]
    assert dataset.assumptions["order"].endswith("order=deeplab says otherwise")
    assert "order" not in open_dataset("pascal-person-part", root, "train", {"order": "m2fp"}).assumptions


def test_another_data_set_in_the_same_layout(tmp_path: Path) -> None:
    people = {"0000006": striped((1, 2, 3)), "0000009": striped((1, 2))}
    root = write_pairs(tmp_path, "Validation/Images/{id}.jpg", "Validation/Category_ids/{id}.png", people)
    report = check_dataset(open_dataset("lip", root, "val"))
    assert "named like 1000_1234574 and not like 0000006" in report.assumptions["dataset"]
    assert "no mask has an id above 3, of 19: is it this data set?" in report.assumptions["layout"]
    assert "dataset" not in open_dataset("cihp", root, "val").assumptions


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("lip", {"sides": "left"}, r"sides: 'left' is unknown; choose one of person, viewer"),
        ("lip", {"ids_in": "rgb"}, r"ids_in: 'rgb' is unknown; choose one of indices, greys, colours"),
        ("lip", {"beyond": 1}, r"beyond: 1 is unknown; choose one of refuse, ignore"),
        ("lip", {"first_id": "one"}, r"first_id: 'one' is no id; give the background's"),
        ("lip", {"exact_names": "no"}, r"exact_names: 'no' is neither true nor false"),
        ("lip", {"ids": 7}, r"ids: .*/7 is missing; give a list below"),
        ("lip", {"order": "m2fp"}, r"options: 'order' is unknown; lip has layout, ids, exact_names, first_id"),
        ("helen", {"first_id": 1}, r"options: 'first_id' is unknown; helen has exact_names, sides"),
    ],
)
def test_options_that_do_not_exist(name: str, options: dict[str, Any], message: str, tmp_path: Path) -> None:
    root = lip(tmp_path, striped((1, 2)))
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        open_dataset(name, root, "val", options)


def test_every_data_set_has_options() -> None:
    assert options_of("pascal-person-part")[0] == "order"
    assert {"order", "layout", "first_id"} <= set(options_of("pascal-person-part"))
    assert all(options_of(name) for name in ("lip", "cihp", "atr", "helen", "ccp", "ccp-human18", "ccp-garments"))
