from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from ihp_backend.cli import app
from ihp_backend.labels import CCP
from ihp_backend.parsing import CheckpointError, Parser

from .stand_in import StandInParser, photograph


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "person.jpg"
    path.write_bytes(photograph(200, 160))
    return path


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> StandInParser:
    parser = StandInParser()
    monkeypatch.setattr(Parser, "from_pretrained", lambda *_: parser)
    return parser


def ihp(*arguments: Any) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.output


def test_parse_with_clicks(picture: Path, tmp_path: Path, stand_in: StandInParser) -> None:
    out = tmp_path / "mask.png"
    code, text = ihp("parse", picture, "--out", out, "--click", "50,40,Face", "--click", "150, 120, trousers, negative")
    assert (code, text) == (0, f"{out}: 200 x 160 pixels, face\n")
    assert [(click.x, click.y, click.label, click.positive) for click in stand_in.parsed[-1]] == [
        (50, 40, 13, True),
        (150, 120, 9, False),
    ]
    with Image.open(out) as mask:
        assert (mask.mode, mask.size) == ("P", (200, 160))
        assert set(np.unique(np.array(mask))) == {0, 13}
        assert mask.convert("RGB").getpixel((50, 40)) == CCP.colours[13]


def test_parse_without_clicks(picture: Path, tmp_path: Path) -> None:
    code, text = ihp("parse", picture, "--out", tmp_path / "mask.png")
    assert code == 0
    assert "hair, upper clothes, pants, face" in text


@pytest.mark.parametrize(
    ("click", "text"),
    [
        ("50,40", "click: '50,40' is no click"),
        ("50,40,face,maybe", "is no click; write x,y,label or x,y,label,negative"),
        ("a,b,face", "has no whole numbers for x and y"),
        ("200,40,face", "is outside the photograph of 200 x 160 pixels"),
        ("-1,40,face", "is outside the photograph"),
        ("50,40,wings", "label 'wings' is unknown; choose one of background, hat"),
    ],
)
def test_clicks_that_cannot_be_used(picture: Path, tmp_path: Path, click: str, text: str) -> None:
    code, output = ihp("parse", picture, "--out", tmp_path / "mask.png", "--click", click)
    assert code == 1
    assert text in output
    assert not (tmp_path / "mask.png").exists()


def test_images_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no photograph")
    for name, text in (("nowhere.jpg", "cannot be read"), ("text.jpg", "text.jpg")):
        code, output = ihp("parse", tmp_path / name, "--out", tmp_path / "mask.png")
        assert code == 1
        assert output.startswith("ihp: image: ")
        assert text in output


@pytest.mark.parametrize(
    "name", ["mask.jpg", "mask.JPEG", "mask.webp", "mask.tiff", "mask.bmp", "mask", "png", "m.png.gz"]
)
def test_an_output_that_is_no_png_is_refused_before_the_work(
    picture: Path, tmp_path: Path, stand_in: StandInParser, name: str
) -> None:
    code, output = ihp("parse", picture, "--out", tmp_path / name)
    assert code == 1
    assert f"{name} does not end in .png" in output.replace("\n", "")
    assert not (tmp_path / name).exists()
    assert stand_in.parsed == []


def test_the_suffix_may_be_in_capitals(picture: Path, tmp_path: Path) -> None:
    assert ihp("parse", picture, "--out", tmp_path / "mask.PNG")[0] == 0
    with Image.open(tmp_path / "mask.PNG") as mask:
        assert (mask.format, mask.mode) == ("PNG", "P")


def test_an_output_that_cannot_be_written(picture: Path, tmp_path: Path) -> None:
    code, output = ihp("parse", picture, "--out", tmp_path / "nowhere" / "mask.png")
    assert code == 1
    assert "ihp: out: " in output


def test_a_model_that_is_missing(picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Parser:
        raise CheckpointError("model: 'none' is neither a packaged model nor a folder")

    monkeypatch.setattr(Parser, "from_pretrained", fail)
    code, output = ihp("parse", picture, "--out", tmp_path / "mask.png", "--model", "none")
    assert (code, output) == (1, "ihp: model: 'none' is neither a packaged model nor a folder\n")


def test_serve_says_which_setting_is_wrong(tmp_path: Path) -> None:
    assert ihp("serve", "--port", "99999")[0] == 1
    assert "port: 99999 is out of range" in ihp("serve", "--port", "99999")[1]


@pytest.mark.parametrize("asked", ["--version", "version"])
def test_the_version(asked: str) -> None:
    told = CliRunner().invoke(app, [asked])
    assert (told.exit_code, told.output) == (0, f"ihp-backend {metadata.version('ihp-backend')}\n")
