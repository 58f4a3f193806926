"""Photographs that fail, that are cut off, or that are others than the page shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest
from flask.testing import FlaskClient

from ihp_backend.label_studio.masks.brush_rle import decode
from ihp_backend.server.app import create_app
from ihp_backend.server.server_settings import ServerSettings

from .stand_in import StandInImages, StandInParser
from .test_configs import ONE_IMAGE, SIZE, TWO_IMAGES, click, paged, predict

CASES = Path(__file__).parents[1] / "cases"


@pytest.mark.parametrize("size", [(600, 800), (800, 610), (400, 400), (10**9, 10**9), (80_000, 60_000), (1, 600)])
def test_no_mask_of_another_picture(client: FlaskClient, size: tuple[int, int]) -> None:
    item = predict(client, ONE_IMAGE, click("Hat", "i", original_width=size[0], original_height=size[1]))
    assert (item["result"], item["error"]["field"]) == ([], SIZE)
    assert item["error"]["value"] == f"{size[0]} x {size[1]}"
    assert "another picture than the page shows" in item["error"]["remedy"]


def test_a_page_that_shows_a_photograph_as_it_is_stored(
    client: FlaskClient, images: StandInImages, parser: StandInParser, caplog: pytest.LogCaptureFixture
) -> None:
    """Stored with 600 x 800 pixels and orientation 6; both ways are answered, and neither scene for the other."""
    for width, height, told in ((600, 800, True), (800, 600, False), (600, 800, True)):
        item = predict(client, TWO_IMAGES, click("Face", "back", original_width=width, original_height=height))
        (region,) = item["result"]
        assert decode(region["value"]["rle"], height, width).any()
        assert (region["original_width"], region["original_height"]) == (width, height)
        assert ("error" in item) == told
    assert item["error"]["field"] == SIZE
    assert "the photograph is 800 x 600 as browsers turn it" in item["error"]["remedy"]
    assert "in the other orientation" in caplog.text
    assert sorted((scene.height, scene.width) for scene in parser.opened) == [(600, 800), (800, 600)]


def test_a_photograph_without_its_end_is_answered_and_told(client: FlaskClient, images: StandInImages) -> None:
    whole = images.fetch
    images.fetch = lambda url, **more: whole(url, **more)[:-2]  # type: ignore[method-assign]
    for context in ([click("Hat", "i")], []):
        item = predict(client, ONE_IMAGE, *context)
        assert item["result"]
        assert item["error"]["field"] == "data.i"
        assert "the file ends before its pixels do" in item["error"]["remedy"]


@pytest.mark.parametrize("broken", ["/missing.jpg", "/broken.jpg", None, 7])
def test_a_photograph_that_fails_costs_only_itself(client: FlaskClient, broken: Any) -> None:
    item = predict(client, TWO_IMAGES, data={"front": "/f.jpg", "back": broken})
    assert [region["to_name"] for region in item["result"]] == ["front"]
    assert item["error"]["field"] == "data.back"
    item = predict(client, TWO_IMAGES, data={"front": broken, "back": "/f.jpg"})
    assert ([region["to_name"] for region in item["result"]], item["error"]["field"]) == (["back"], "data.front")


@pytest.mark.parametrize("broken", ["/missing.jpg", "/broken.jpg", None])
def test_a_page_that_fails_costs_only_itself(client: FlaskClient, broken: Any) -> None:
    item = paged(client, pages=("/f.jpg", broken, "/f.jpg"))
    assert {region["item_index"] for region in item["result"]} == {0, 2}
    assert item["error"]["field"] == "data.pages"


def test_without_any_photograph_there_is_no_result_that_would_be_stored(client: FlaskClient) -> None:
    item = predict(client, TWO_IMAGES, data={"front": "/missing.jpg", "back": "/broken.jpg"})
    assert "result" not in item
    assert [item["error"]["field"], *(other["field"] for other in item["error"]["others"])] == [
        "data.front",
        "data.back",
    ]
    clicked = predict(client, TWO_IMAGES, click("Face", "front"), data={"front": "/missing.jpg", "back": "/f.jpg"})
    assert (clicked["result"], clicked["error"]["field"]) == ([], "data.front")


@pytest.mark.parametrize("name", ["batch", "control"])
def test_the_case_of_one_broken_picture_of_several(tmp_path: Path, name: str) -> None:
    body = json.loads((CASES / "10-one-broken-picture-of-several" / f"{name}.json").read_text())
    client = create_app(cast(Any, StandInParser()), ServerSettings(data_dir=tmp_path)).test_client()
    (item,) = client.post("/predict", json=body).get_json()["results"]
    shown = {region["to_name"] for region in item["result"]}
    if name == "batch":
        assert (shown, item["error"]["field"]) == ({"front"}, "data.side")
    else:
        assert shown == {"front", "side"}
        assert "error" not in item
