from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ihp_backend.label_studio.masks.brush_rle import encode
from ihp_backend.label_studio.masks.mask_regions import MASK_TYPES, mask_regions
from ihp_backend.label_studio.masks.painting import Painting, paint
from ihp_backend.labels import IGNORE

IDS = {"Hat": 1, "Coat": 2}
LEFT, TOP = np.zeros((2, 6, 8), bool)
LEFT[:, :4] = True
TOP[:3] = True


def region(mask: np.ndarray, *names: Any, rle: Any = None, **more: Any) -> dict[str, Any]:
    value = {"format": "rle", "rle": encode(mask) if rle is None else rle, "brushlabels": list(names)}
    size = {"original_height": mask.shape[0], "original_width": mask.shape[1]}
    return {"id": "r", "type": "brushlabels", **size, "value": value, **more}


def painted(*records: dict[str, Any]) -> Painting:
    return paint(list(mask_regions(records)), IDS.get)


def test_what_is_left_unpainted_on_purpose_is_known() -> None:
    found = painted(region(LEFT, "Hat", origin="prediction"), region(TOP, "Coat"))
    expected = np.where(TOP, 2, np.where(LEFT, 1, IGNORE))
    np.testing.assert_array_equal(found.label_map, expected)
    assert found.unknown is not None
    assert not found.unknown.any()
    assert (found.suggested, found.left_out) == (24, ())


def test_a_region_without_a_usable_label_hides_what_is_below_it_and_nothing_above() -> None:
    found = painted(region(LEFT, "Hat"), region(TOP, "Shoe"), region(TOP & LEFT, "Coat"))
    np.testing.assert_array_equal(found.label_map, np.where(TOP & LEFT, 2, np.where(LEFT & ~TOP, 1, IGNORE)))
    np.testing.assert_array_equal(found.unknown, TOP & ~LEFT)
    assert [str(one) for one in found.left_out] == ["region r: labels ['Shoe'] do not name one label of the config"]


def test_labels_that_are_no_names() -> None:
    wild: list[list[Any]] = [["Hat", "Coat"], [["Hat"]], [None], [{}], []]
    for names in wild:
        assert painted(region(LEFT, *names)).label_map is None


def test_of_a_photograph_with_an_unreadable_mask_nothing_is_known_but_what_is_painted() -> None:
    found = painted(region(LEFT, "Hat", rle=[1, 2]), region(TOP, "Coat"))
    np.testing.assert_array_equal(found.label_map, np.where(TOP, 2, IGNORE))
    np.testing.assert_array_equal(found.unknown, ~TOP)
    assert found.left_out[0].unreadable


def test_an_empty_region_takes_nothing_away() -> None:
    found = painted(region(LEFT, "Hat", rle=[]), region(np.zeros_like(LEFT), "Hat"), region(TOP, "Coat"))
    np.testing.assert_array_equal(found.label_map, np.where(TOP, 2, IGNORE))
    assert found.unknown is not None
    assert not found.unknown.any()
    assert [one.unreadable for one in found.left_out] == [False, False]


def test_the_size_that_most_regions_have_counts() -> None:
    small = region(LEFT[:3], "Hat")
    found = painted(small, region(LEFT, "Hat"), region(TOP, "Coat"))
    assert found.label_map is not None
    assert found.label_map.shape == (6, 8)
    assert "8 x 3 pixels, others have 8 x 6" in found.left_out[0].reason


def test_nothing_is_painted() -> None:
    assert painted() == Painting(None, None, 0, ())
    assert painted(region(np.zeros_like(LEFT), "Hat")).label_map is None


WILD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("data:image/png;base64,AA"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
VALUE_KEYS = ("rle", "touches", "maskDataURL", "imageDataURL", "points", "x", "y", "radiusX", "radiusY", "rotation",
              "brushlabels", "labels")  # fmt: skip
RECORD = st.fixed_dictionaries(
    {"type": st.sampled_from(MASK_TYPES)},
    optional={
        "id": WILD, "to_name": WILD, "origin": WILD, "original_height": st.just(6) | WILD,
        "original_width": st.just(8) | WILD,
        "value": WILD | st.dictionaries(st.sampled_from(VALUE_KEYS), WILD, max_size=4),
    },
)  # fmt: skip


@given(st.lists(RECORD, max_size=3))
def test_whatever_a_region_holds_it_costs_only_itself(records: list[dict[str, Any]]) -> None:
    found = painted(region(LEFT, "Hat"), *records, region(TOP, "Coat"), region(LEFT & ~TOP, "Hat"))
    assert found.label_map is not None
    assert (found.label_map[TOP] == 2).all()
    assert (found.label_map[LEFT & ~TOP] == 1).all()
