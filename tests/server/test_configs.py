"""Labelling configs of other shapes than the usual one."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from .stand_in import StandInImages, StandInParser

LABELS = '<Label value="Face"/><Label value="Hat"/>'
TWO_IMAGES = f"""<View><Image name="front" value="$front"/><Image name="back" value="$back"/>
  <KeyPointLabels name="kf" toName="front">{LABELS}</KeyPointLabels>
  <KeyPointLabels name="kb" toName="back">{LABELS}</KeyPointLabels>
  <BrushLabels name="bf" toName="front">{LABELS}</BrushLabels>
  <BrushLabels name="bb" toName="back">{LABELS}</BrushLabels></View>"""
ONE_IMAGE = f"""<View><Image name="i" value="$i"/><KeyPointLabels name="k" toName="i">{LABELS}
  <Label value="Coat"/></KeyPointLabels><BrushLabels name="b" toName="i">{LABELS}</BrushLabels></View>"""

SIZE = "context.result[].original_width, original_height"

PAGES = f"""<View><Image name="i" valueList="$pages"/><KeyPointLabels name="k" toName="i">{LABELS}</KeyPointLabels>
  <BrushLabels name="b" toName="i">{LABELS}</BrushLabels></View>"""


def click(label: str, to_name: str, **more: Any) -> dict[str, Any]:
    value = {"x": len(label) * 10, "y": 50, "keypointlabels": [label]}
    return {"id": f"{label}-{to_name}", "type": "keypointlabels", "to_name": to_name, "value": value, **more}


def predict(client: FlaskClient, config: str, *clicks: dict[str, Any], **task: Any) -> dict[str, Any]:
    body = {
        "tasks": [{"id": 1, "data": {"front": "/f.jpg", "back": "/exif6.jpg", "i": "/i.jpg"}, **task}],
        "project": "1.2",
        "label_config": config,
        "params": {"context": {"result": list(clicks)} if clicks else None},
    }
    (item,) = client.post("/predict", json=body).get_json()["results"]
    return dict(item)


def test_every_image_of_a_batch_is_answered(client: FlaskClient) -> None:
    item = predict(client, TWO_IMAGES)
    assert [(region["from_name"], region["to_name"]) for region in item["result"]] == [("bf", "front"), ("bb", "back")]
    assert len({region["id"] for region in item["result"]}) == 2


def test_a_click_is_answered_on_its_own_image(client: FlaskClient, images: StandInImages) -> None:
    predict(client, TWO_IMAGES, click("Hat", "front"))
    item = predict(client, TWO_IMAGES, click("Face", "back"))
    assert [(region["from_name"], region["to_name"]) for region in item["result"]] == [("bb", "back")]
    assert [address for address, _, _ in images.fetched] == ["/f.jpg", "/exif6.jpg"]


def test_an_image_that_the_config_lacks(client: FlaskClient) -> None:
    item = predict(client, TWO_IMAGES, click("Face", "side"))
    assert (item["error"]["field"], item["error"]["value"]) == ("context.result[0].to_name", "side")


def test_a_label_without_a_brush_is_named(client: FlaskClient) -> None:
    item = predict(client, ONE_IMAGE, click("Coat", "i"), click("Hat", "i"))
    assert [region["value"]["brushlabels"] for region in item["result"]] == [["Hat"]]
    assert (item["error"]["field"], item["error"]["value"]) == ("label_config", "Coat")
    assert "BrushLabels" in item["error"]["remedy"]


def test_masks_have_the_size_the_browser_saw(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    item = predict(client, ONE_IMAGE, click("Hat", "i", original_width=400, original_height=300, image_rotation=90))
    (region,) = item["result"]
    assert (region["original_width"], region["original_height"], region["image_rotation"]) == (400, 300, 90)
    assert "masks are resized" in caplog.text
    assert (item["error"]["field"], item["error"]["value"]) == (SIZE, "400 x 300")
    assert "the photograph has 800 x 600" in item["error"]["remedy"]
    assert "error" not in predict(client, ONE_IMAGE, click("Hat", "i", original_width=800, original_height=600))


def test_a_task_without_an_id_is_answered_without_a_memory(client: FlaskClient, parser: StandInParser) -> None:
    for label in ("Hat", "Face"):
        item = predict(client, ONE_IMAGE, click(label, "i"), id=None)
        assert [region["value"]["brushlabels"] for region in item["result"]] == [[label]]
    assert client.get("/status").get_json()["clicks_remembered"] == 0


def test_several_problems_are_all_told(client: FlaskClient) -> None:
    item = predict(client, ONE_IMAGE, click("Wings", "i"), click("Coat", "i"))
    assert item["error"]["value"] == "Wings"
    assert [other["value"] for other in item["error"]["others"]] == ["Coat"]
    errors = client.get("/status").get_json()["errors"]
    assert [error["value"] for error in errors] == ["Wings", "Coat"]


def paged(client: FlaskClient, *clicks: dict[str, Any], pages: Any = ("/f.jpg", "/exif6.jpg")) -> dict[str, Any]:
    return predict(client, PAGES, *clicks, data={"pages": list(pages) if isinstance(pages, tuple) else pages})


def test_every_page_of_a_task_is_answered(client: FlaskClient, images: StandInImages) -> None:
    regions = paged(client)["result"]
    assert [region["item_index"] for region in regions] == [0, 1]
    assert [url for url, *_ in images.fetched] == ["/f.jpg", "/exif6.jpg"]
    assert len({region["id"] for region in regions}) == 2


def test_clicks_on_one_page_say_nothing_of_another(client: FlaskClient, images: StandInImages) -> None:
    (second,) = paged(client, click("Hat", "i", item_index=1))["result"]
    assert [url for url, *_ in images.fetched] == ["/exif6.jpg"]
    (first,) = paged(client, click("Face", "i", item_index=0))["result"]
    assert [first["item_index"], second["item_index"]] == [0, 1]
    # All clicks of a label are sent, whichever page they are on; the newest is on the page that is shown.
    turned = [click("Hat", "i", item_index=1), click("Hat", "i", item_index=0, id="new")]
    labels = {region["value"]["brushlabels"][0]: region["item_index"] for region in paged(client, *turned)["result"]}
    assert labels == {"Face": 0, "Hat": 0}


@pytest.mark.parametrize(
    ("pages", "page", "field"),
    [
        (("/f.jpg",), 1, "context.result[].item_index"),
        ((), 0, "data.pages"),
        (("/f.jpg", 7), 1, "data.pages"),
        (("/f.jpg", None), 1, "data.pages"),
        ((7, ""), 0, "data.pages"),
        (None, 0, "data.pages"),
    ],
)
def test_pages_that_are_not_there(client: FlaskClient, pages: Any, page: int, field: str) -> None:
    item = paged(client, click("Face", "i", item_index=page), pages=pages)
    assert (item["result"], item["error"]["field"]) == ([], field)


def test_a_list_of_one_address_as_text(client: FlaskClient) -> None:
    (region,) = paged(client, click("Face", "i", item_index=0), pages="/f.jpg")["result"]
    assert region["item_index"] == 0
