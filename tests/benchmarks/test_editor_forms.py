"""The pure parts of the benchmark of mask forms: the picture, the configs, and the answer with pictures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ihp_backend.label_studio.config.labelling_config import parse_labelling_config
from ihp_backend.label_studio.masks.brush_rle import encode
from ihp_backend.label_studio.masks.mask_regions import mask_regions
from tests.benchmarks.editor.forms import FORMS, PARTS, SIDE, Cost, centre, config, discs, plot, with_pictures


def test_each_part_has_a_disc_of_its_own_colour(tmp_path: Path) -> None:
    discs(0.25, tmp_path / "discs.png")
    with Image.open(tmp_path / "discs.png") as picture:
        assert picture.width * picture.height == pytest.approx(0.25e6, rel=0.01)
        at = [
            [share / 100 * side for share, side in zip(centre(number), picture.size, strict=True)]
            for number in range(16)
        ]
        assert len({picture.getpixel((int(x), int(y))) for x, y in at}) == SIDE**2


@pytest.mark.parametrize("form", FORMS)
def test_every_part_has_a_key_and_a_mask_in_its_form(form: str) -> None:
    text, keys = config(form)
    assert list(keys) == list(PARTS.names[1:])
    assert len(set(keys.values())) == len(keys)
    found = parse_labelling_config(text)
    tag = {"bitmask": "bitmasklabels", "polygon": "polygonlabels"}.get(form, "brushlabels")
    assert {target.type for name in keys if (target := found.mask_target(name))} == {tag}


def test_pictures_hold_the_same_pixels_as_the_rle() -> None:
    mask = np.random.default_rng(0).random((7, 5)) < 0.5
    value = {"format": "rle", "rle": encode(mask), "brushlabels": ["part 1"]}
    record = {"id": "a", "type": "brushlabels", "original_width": 5, "original_height": 7, "value": value}
    answer = json.loads(with_pictures(json.dumps({"results": [{"result": [record]}]}).encode()))
    (changed,) = mask_regions(answer["results"][0]["result"])
    assert "rle" not in changed.value
    assert np.array_equal(changed.mask(), mask)


def test_the_plot_has_a_column_for_each_size(tmp_path: Path) -> None:
    costs = [Cost(form, size, labels, 100, 90, 50, 10) for form in FORMS for size in (0.25, 2) for labels in (1, 4)]
    plot(costs, tmp_path / "forms.png")
    with Image.open(tmp_path / "forms.png") as picture:
        assert picture.width > picture.height
