"""Large photographs, very many clicks and labels, half a model: answered, or refused in words."""

from __future__ import annotations

import copy
import shutil
import struct
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from flask.testing import FlaskClient

from ihp_backend.label_studio.web.images import ImageSettings, ImageSource
from ihp_backend.parsing import Parse, Parser
from ihp_backend.parsing.checkpoint import PACKAGED, CheckpointError
from ihp_backend.server.app import create_app
from ihp_backend.server.server_settings import ServerSettings
from tests.label_studio.image_server import sends
from tests.label_studio.trouble_servers import place
from tests.server.stand_in import StandInImages, StandInParser, capture

from .serving import clicked


class SmallParser(StandInParser):
    """Gives its label to the pixels right around a click: distances of all pixels would take gigabytes."""

    def parse(self, scene: Any, clicks: Any, previous: Any = None, last: Any = None) -> Any:
        label_map = np.zeros((scene.height, scene.width), np.uint8)
        for click in clicks:
            label_map[click.y - 50 : click.y + 50, click.x - 50 : click.x + 50] = click.label
        return Parse(label_map, np.full(len(self.labels), 0.75, np.float32))


def bitmap(width: int, height: int) -> bytes:
    """A BMP of three bytes a pixel."""
    pixels = bytes(width * height * 3)
    header = b"BM" + struct.pack("<IHHI", 54 + len(pixels), 0, 0, 54)
    header += struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(pixels), 0, 0, 0, 0)
    return header + pixels


@pytest.mark.parametrize(
    ("width", "height", "said"),
    [
        (6000, 5556, None),  # 100 MB
        (6000, 7600, "larger than max_bytes = 134217728; scale the image down"),  # 137 MB
    ],
)
def test_a_file_of_100_megabytes(tmp_path: Path, width: int, height: int, said: str | None) -> None:
    with place(tmp_path) as at:
        url = at.server(sends(bitmap(width, height), "image/bmp")).url
        images = ImageSettings(label_studio_url=url, label_studio_api_key="0123456789abcdef")
        settings = ServerSettings(data_dir=tmp_path / "data", images=images)
        client = create_app(cast(Any, SmallParser()), settings, images=ImageSource(images)).test_client()
        body = clicked(address="/data/upload/1/a.bmp")
        body["params"]["context"]["result"][0].update(original_width=width, original_height=height)
        (item,) = client.post("/predict", json=body).get_json()["results"]
    if said is None:
        assert (len(item["result"]), item.get("error")) == (1, None)
    else:
        assert said in item["error"]["remedy"]
    assert client.get("/health").status_code == 200


@pytest.mark.parametrize("where", ["request", "draft"])
def test_20_000_clicks(tmp_path: Path, where: str) -> None:
    settings = ServerSettings(data_dir=tmp_path / "data")
    client = create_app(cast(Any, SmallParser()), settings, images=cast(Any, StandInImages())).test_client()
    body = clicked(address="/data/upload/1/a.jpg")
    click = body["params"]["context"]["result"][0]
    many = [
        {**copy.deepcopy(click), "id": f"c{number}", "value": {**click["value"], "x": number / 200, "y": 50}}
        for number in range(20_000)
    ]
    if where == "request":
        body["params"]["context"]["result"] = many
    else:
        body["tasks"][0]["drafts"] = [{"id": 1, "user": 1, "result": many}]
    answer = client.post("/predict", json=body)
    assert answer.status_code == 200
    (item,) = answer.get_json()["results"]
    assert len(item["result"]) == 1
    if where == "request":
        assert (item["error"]["field"], item["error"]["value"]) == ("context.result", "20000 prompts")
        assert "only the newest 1000 are used" in item["error"]["remedy"]
    assert client.get("/status").get_json()["clicks_remembered"] <= 1000


@pytest.mark.parametrize("number", [254, 300])
def test_300_labels(client: FlaskClient, number: int) -> None:
    """More than a label map has room for are refused in words, and fewer are answered."""
    labels = "".join(f'<Label value="part {index}"/>' for index in range(number - 1)) + '<Label value="Face"/>'
    config = (
        '<View><Image name="image" value="$image"/>'
        f'<BrushLabels name="b" toName="image" smart="false">{labels}</BrushLabels>'
        f'<KeyPointLabels name="kp" toName="image" smart="true">{labels}</KeyPointLabels></View>'
    )
    setup = client.post("/setup", json={**capture("01")["request"], "schema": config})
    assert setup.status_code == 200
    body = clicked(address="/data/upload/1/a.jpg")
    body["label_config"] = config
    record = body["params"]["context"]["result"][0]
    record["value"]["keypointlabels"] = ["Face"]
    answer = client.post("/predict", json=body)
    assert answer.status_code == 200
    (item,) = answer.get_json()["results"]
    if number <= 254:
        assert len(item["result"]) == 1, item
    else:
        for error in (setup.get_json()["error"], item["error"]):
            assert error["field"] == "label_config"
            assert error["value"] == "300 labels"
            assert "room for 254 besides the background: remove some" in error["remedy"]
    assert client.get("/status").status_code == 200


@pytest.mark.parametrize("part", [0.0, 0.3, 0.999])
def test_a_model_folder_that_is_half_copied(tmp_path: Path, part: float) -> None:
    """Whichever file the copying ended in."""
    whole = PACKAGED / "ccp-live"
    for name in sorted(file.name for file in whole.iterdir() if file.suffix in (".json", ".onnx")):
        copied = tmp_path / name
        shutil.copytree(whole, copied)
        content = (copied / name).read_bytes()
        (copied / name).write_bytes(content[: int(len(content) * part)])
        with pytest.raises(CheckpointError, match=r"copy the whole model folder again|export the model again"):
            Parser.from_pretrained(copied)
