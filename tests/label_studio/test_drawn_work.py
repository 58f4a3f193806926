from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ihp_backend.clicks import Click
from ihp_backend.label_studio.config.labelling_config import parse_labelling_config
from ihp_backend.label_studio.masks import drawn_work
from ihp_backend.label_studio.masks.brush_rle import encode
from ihp_backend.label_studio.masks.drawn_work import DrawnWork, keep_drawn, take_from_drawn

CONFIG = parse_labelling_config(
    """<View><Image name="i" value="$i"/><BrushLabels name="b" toName="i">
    <Label value="Hat"/><Label value="Coat" alias="c"/></BrushLabels></View>"""
)
LABELS = CONFIG.label_set()
LEFT, TOP = np.zeros((2, 6, 8), bool)
LEFT[:, :4] = True
TOP[:3] = True


def region(mask: np.ndarray, *names: str, key: str = "r") -> dict[str, Any]:
    value = {"format": "rle", "rle": encode(mask), "brushlabels": list(names)}
    size = {"original_height": mask.shape[0], "original_width": mask.shape[1]}
    return {"id": key, "type": "brushlabels", "to_name": "i", **size, "value": value}


def drawn(*records: dict[str, Any], size: tuple[int, int] = (6, 8)) -> drawn_work.Drawn:
    return DrawnWork().label_map(("any",), records, CONFIG, LABELS, size)


def test_later_regions_lie_over_earlier_ones_and_the_rest_is_undrawn() -> None:
    label_map, problems = drawn(region(LEFT, "Hat"), region(TOP, "c"))
    expected = np.full((6, 8), 255, np.uint8)
    expected[LEFT] = LABELS.id_of("Hat")
    expected[TOP] = LABELS.id_of("Coat")
    np.testing.assert_array_equal(label_map, expected)
    assert problems == ()


def test_nothing_drawn() -> None:
    assert drawn() == (None, ())
    assert drawn(region(LEFT, "Shoe"), region(TOP), region(TOP, "Hat", "c")) == (None, ())


def test_a_region_of_another_size_is_brought_to_the_photograph() -> None:
    label_map, _ = drawn(region(LEFT, "Hat"), size=(12, 16))
    np.testing.assert_array_equal(label_map == LABELS.id_of("Hat"), LEFT.repeat(2, 0).repeat(2, 1))


def test_a_region_of_another_picture_is_left_out_and_named() -> None:
    label_map, (told,) = drawn(region(LEFT, "Hat"), size=(8, 6))
    assert label_map is None
    assert "drawn on 8 x 6 pixels, the photograph has 6 x 8" in told.remedy


def test_a_broken_region_is_named_and_the_others_stand() -> None:
    broken = {**region(LEFT, "Hat", key="gone"), "value": {"rle": [1, 2], "brushlabels": ["Hat"]}}
    label_map, problems = drawn(broken, region(TOP, "c"))
    assert label_map is not None
    assert set(np.unique(label_map)) == {LABELS.id_of("Coat"), 255}
    assert [problem.to_json()["field"] for problem in problems] == ["region 'gone'"]


def test_what_was_decoded_is_kept_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = []
    paint = drawn_work._paint

    def counted(*given: Any) -> drawn_work.Drawn:
        decoded.append(given)
        return paint(*given)

    monkeypatch.setattr(drawn_work, "_paint", counted)
    work = DrawnWork(most_bytes=3000)
    for key in (1, 1, 2, 1, 3, 2):
        work.label_map((key,), [region(LEFT, "Hat")], CONFIG, LABELS, (6, 8))
    assert len(decoded) == 4


def test_of_tasks_without_drawn_work_nothing_is_kept() -> None:
    work = DrawnWork()
    for key in range(100):
        assert work.label_map((key,), [], CONFIG, LABELS, (6, 8)) == (None, ())
    assert len(work._kept) == 0


@pytest.mark.parametrize(
    ("clicks", "answered", "changed"),
    [
        ([Click(6, 4, 2)], [2], []),  # On what is not drawn.
        ([Click(6, 4, 2), Click(1, 1, 1)], [2], []),  # It says only again what is drawn.
        ([Click(6, 4, 2), Click(1, 1, 2)], [2], [1]),  # On a drawn label: it is another.
        ([Click(6, 4, 2), Click(1, 1, 1, positive=False)], [2], [1]),
        ([Click(6, 4, 2), Click(1, 1, 2, positive=False)], [2], []),  # What is drawn there is not denied.
        ([Click(6, 4, 2), Click(6, 1, 1)], [1, 2], [1]),  # The drawn label itself is answered.
    ],
)
def test_what_is_drawn_stays_unless_a_click_says_otherwise(
    clicks: list[Click], answered: list[int], changed: list[int]
) -> None:
    work = np.full((6, 8), 255, np.uint8)
    work[:3, :4], work[4:, :2] = 1, 3
    answer = np.full((6, 8), 2, np.uint8)
    denied = keep_drawn(answer, work, clicks, answered)
    assert denied == set(changed) - set(answered)
    expected = np.full((6, 8), 2, np.uint8)
    for label in (1, 3):
        if label not in changed:
            expected[work == label] = label
    np.testing.assert_array_equal(answer, expected)


def test_a_drawn_label_keeps_what_others_did_not_take() -> None:
    drawn = np.full((2, 6), 255, np.uint8)
    drawn[:, :4] = 1
    answer = np.array([[2, 2, 3, 1, 1, 2], [1, 1, 1, 1, 0, 1]], np.uint8)  # 3 is not answered, so it takes nothing.
    assert take_from_drawn(answer, drawn, 1, [2])
    np.testing.assert_array_equal(answer, [[2, 2, 1, 1, 255, 2], [1, 1, 1, 1, 0, 255]])
    assert not take_from_drawn(np.ones((2, 6), np.uint8), drawn, 1, [2])
