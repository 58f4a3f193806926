"""`ihp parse` as a user runs it, with a stand-in for the model; tests/contract has the real Label Studio."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from ihp_backend.batch_parsing import parse_photographs as batch
from ihp_backend.batch_parsing.results_folder import ResultsFolder
from ihp_backend.cli import app
from ihp_backend.commands.shared import INTERRUPTED
from ihp_backend.labels import CCP
from ihp_backend.parsing import CheckpointError, Parser
from tests.server.stand_in import StandInParser, photograph


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "person.jpg"
    path.write_bytes(photograph(200, 160))
    return path


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> StandInParser:
    parser = StandInParser()
    monkeypatch.setattr(Parser, "from_pretrained", lambda *_, **__: parser)
    return parser


def ihp(*arguments: Any) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.output


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Photographs in two folders, some of one name, and a file that is none."""
    folder = tmp_path / "photographs"
    for number, name in enumerate(("day 1/a.jpg", "day 1/b.jpg", "day 2/a.jpg", "day 2/ä.jpg")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(photograph(80 + number, 64))
    (folder / "notes.txt").write_text("no photograph")
    return folder


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def touch_later(path: Path) -> None:
    """As if it was written a minute after everything else."""
    later = path.stat().st_mtime + 60
    os.utime(path, (later, later))


def test_a_single_label_map_with_clicks(picture: Path, tmp_path: Path, stand_in: StandInParser) -> None:
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


def test_a_single_label_map_without_clicks(picture: Path, tmp_path: Path) -> None:
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
    for name, text in (("nowhere.jpg", "is no file"), ("text.jpg", "are no image")):
        code, output = ihp("parse", tmp_path / name, "--out", tmp_path / "mask.png")
        assert code == 1
        assert output.startswith("ihp: photographs: ")
        assert text in output


@pytest.mark.parametrize("name", ["mask.jpg", "mask.JPEG", "mask.webp", "mask.tiff", "mask.bmp"])
def test_an_output_that_is_no_png_is_refused_before_the_work(
    picture: Path, tmp_path: Path, stand_in: StandInParser, name: str
) -> None:
    code, output = ihp("parse", picture, "--out", tmp_path / name)
    assert code == 1
    assert f"{name} does not end in .png" in output.replace("\n", "")
    assert not (tmp_path / name).exists()
    assert stand_in.parsed == []


def test_the_photograph_itself_is_not_overwritten(tmp_path: Path) -> None:
    photograph = tmp_path / "a.png"
    Image.new("RGB", (8, 8), "red").save(photograph)
    before = photograph.read_bytes()
    (tmp_path / "link.png").symlink_to(photograph)
    for out in ("a.png", "link.png"):
        code, output = ihp("parse", photograph, "--out", tmp_path / out)
        assert code == 1
        assert "is the photograph itself" in output.replace("\n", " ")
    assert photograph.read_bytes() == before


def test_the_suffix_may_be_in_capitals(picture: Path, tmp_path: Path) -> None:
    assert ihp("parse", picture, "--out", tmp_path / "mask.PNG")[0] == 0
    with Image.open(tmp_path / "mask.PNG") as mask:
        assert (mask.format, mask.mode) == ("PNG", "P")


def test_an_output_that_cannot_be_written(picture: Path, tmp_path: Path) -> None:
    code, output = ihp("parse", picture, "--out", tmp_path / "nowhere" / "mask.png")
    assert code == 1
    assert "ihp: out: " in output


def test_a_model_that_is_missing(picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Parser:
        raise CheckpointError("model: 'none' is neither a packaged model nor a folder")

    monkeypatch.setattr(Parser, "from_pretrained", fail)
    code, output = ihp("parse", picture, "--out", tmp_path / "mask.png", "--model", "none")
    assert (code, output) == (1, "ihp: model: 'none' is neither a packaged model nor a folder\n")


def test_a_folder_with_folders_becomes_a_folder_of_results(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, text = ihp("parse", folder, "--out", out)
    assert code == 0, text
    assert "4 of 4 photographs are done, 0 of them before" in text
    assert "photographs: 1 x .txt left out" in text
    stems = ("day 1/a", "day 1/b", "day 2/a", "day 2/ä")
    kinds = {"masks": ".png", "overlays": ".jpg", "json": ".json"}
    assert files(out) == sorted(
        ["classes.txt", "settings.json", *(f"{kind}/{one}{end}" for kind, end in kinds.items() for one in stems)]
    )
    assert (out / "classes.txt").read_text().split("\n")[:3] == ["background", "hat", "hair"]
    with Image.open(out / "masks" / "day 2" / "a.png") as mask, Image.open(out / "overlays/day 2/a.jpg") as overlay:
        assert (mask.mode, mask.size, overlay.size) == ("P", (82, 64), (82, 64))
        ids = np.array(mask)
        assert mask.convert("RGB").getpixel((5, 2)) == CCP.colours[2]
    assert ids[::8, 0].tolist() == [2, 13, 5, 9, 0, 0, 0, 0]
    record = json.loads((out / "json" / "day 2" / "a.json").read_text())
    assert (record["photograph"], record["width"], record["height"]) == ("day 2/a.jpg", 82, 64)
    assert record["model_version"] == "stand-in-1"
    assert {one["name"]: (one["id"], one["pixels"], one["share"], one["confidence"]) for one in record["labels"]} == {
        "background": (0, 82 * 32, 0.5, 0.75),
        **{CCP.names[label]: (label, 82 * 8, 0.125, 0.75) for label in (2, 13, 5, 9)},
    }


def test_results_that_are_there_are_not_made_again_unless_that_is_wanted(
    folder: Path, tmp_path: Path, stand_in: StandInParser
) -> None:
    out = tmp_path / "out"

    def parsed(*options: str) -> int:
        before = len(stand_in.parsed)
        code, text = ihp("parse", folder, "--out", out, *options)
        assert (code, "4 of 4 photographs are done" in text) == (0, True), text
        return len(stand_in.parsed) - before

    assert [parsed(), parsed()] == [4, 0]
    touch_later(folder / "day 1" / "b.jpg")
    (out / "overlays" / "day 2" / "a.jpg").unlink()
    # A photograph that is newer than the clock says is never older than its results.
    assert parsed("--write", "json") == 1
    assert parsed() == 2
    os.utime(folder / "day 1" / "b.jpg", (0, 0))
    assert [parsed("--again"), parsed()] == [4, 0]
    # A kind that was not written before.
    assert [parsed("--write", "mask,label-studio"), parsed("--write", "mask, label-studio")] == [4, 0]


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        (["{folder}", "--labels", "hair, face"], "labels (background, hat, hair"),
        (["{folder}/day 1"], "photographs ({folder})"),
        (["{folder}", "--config", "{config}"], "labelling_config ("),
    ],
)
def test_results_that_were_made_otherwise_are_not_mixed_with_others(
    folder: Path, tmp_path: Path, changed: list[str], named: str
) -> None:
    config, out = tmp_path / "config.xml", tmp_path / "out"
    config.write_text(CliRunner().invoke(app, ["config", "ccp", "--polygon"]).stdout)
    assert ihp("parse", folder, "--out", out)[0] == 0
    arguments = [text.format(folder=folder, config=config) for text in changed]
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    code, text = ihp("parse", *arguments, "--out", out)
    assert code == 1
    assert f"out: {out} holds results of other {named.format(folder=folder)}" in text
    assert "--again" in text
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert ihp("parse", *arguments, "--out", out, "--again")[0] == 0


def test_bad_photographs_cost_only_themselves(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (folder / "day 1" / "text.jpg").write_text("no photograph")
    (folder / "day 1" / "empty.png").write_bytes(b"")
    (folder / "day 2" / "cut.png").write_bytes((Path(__file__).parents[2] / "docs" / "editor.png").read_bytes()[:5000])
    whole = Path(__file__).parents[2] / "examples" / "photographs" / "grace_hopper.jpg"
    (folder / "day 2" / "cut.jpg").write_bytes(whole.read_bytes()[:20_000])
    code, text = ihp("parse", folder, "--out", out, "--write", "mask,label-studio")
    assert code == 1
    assert "5 of 8 photographs are done" in text
    for name, why in (
        ("day 1/text.jpg", "photograph: 13 bytes starting with"),
        ("day 1/empty.png", "photograph: 0 bytes"),
        ("day 2/cut.png", "photograph: cannot be decoded"),
        ("day 2/cut.jpg", "parsed, but the file ends before its pixels do"),
    ):
        assert f"ihp: {folder / name}: {why}" in text
    images = [task["data"]["image"] for task in json.loads((out / "label-studio.json").read_text())]
    assert len(images) == 5
    assert (out / "masks" / "day 2" / "cut.jpg.png").is_file()


def test_a_photograph_that_goes_away_meanwhile(folder: Path, tmp_path: Path, stand_in: StandInParser) -> None:
    gone = folder / "day 2" / "a.jpg"
    stand_in.open = lambda image, before=stand_in.open: gone.unlink(missing_ok=True) or before(image)  # type: ignore
    code, text = ihp("parse", folder, "--out", tmp_path / "out", "--parallel", 1)
    assert code == 1
    assert f"{gone}: photograph: cannot be read (No such file or directory)" in text
    assert "3 of 4 photographs are done" in text


def test_interrupted_it_says_how_many_are_done_and_goes_on_later(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stand_in: StandInParser
) -> None:
    def interrupted(futures: Any) -> Iterator[Any]:
        for number, future in enumerate(as_completed(futures)):
            if number == 2:
                raise KeyboardInterrupt
            yield future

    out, as_completed = tmp_path / "out", batch.as_completed
    monkeypatch.setattr(batch, "as_completed", interrupted)
    code, text = ihp("parse", folder, "--out", out, "--parallel", 1, "--write", "mask,label-studio")
    done = len(list((out / "masks").rglob("*.png")))
    assert code == INTERRUPTED
    assert "interrupted; the same command goes on" in text
    assert f"{done} of 4 photographs are done" in text
    assert 2 <= done <= 4
    assert not (out / "label-studio.json").exists()
    assert not list(out.rglob("*.part"))
    monkeypatch.setattr(batch, "as_completed", as_completed)
    assert ihp("parse", folder, "--out", out, "--write", "mask,label-studio")[0] == 0
    assert len(stand_in.parsed) == 4
    assert len(json.loads((out / "label-studio.json").read_text())) == 4


def test_a_full_disk_ends_it(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ResultsFolder, "write", full)
    code, text = ihp("parse", folder, "--out", tmp_path / "out")
    assert code == 1
    assert "No space left on device); once it can be, the same command goes on" in text.replace("\n", " ")


def test_a_result_that_cannot_be_written_costs_only_itself(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert ihp("parse", folder, "--out", out, "--write", "json")[0] == 0
    (out / "masks").mkdir()
    (out / "masks" / "day 2").write_text("in the way")
    code, text = ihp("parse", folder, "--out", out, "--write", "mask")
    assert code == 1
    assert f"{folder / 'day 2' / 'a.jpg'}: out: cannot be written" in text
    assert "2 of 4 photographs are done" in text


def test_clicks_on_a_single_photograph(picture: Path, tmp_path: Path, stand_in: StandInParser) -> None:
    out = tmp_path / "out"
    arguments = ("parse", picture, "--out", out, "--labels", "face, trousers")
    code, text = ihp(*arguments, "--click", "50,40,face", "--click", "150,120,trousers,negative")
    assert code == 0, text
    assert [(click.label, click.positive) for click in stand_in.parsed[-1]] == [(13, True), (9, False)]
    record = json.loads((out / "json" / "person.json").read_text())
    assert [one["name"] for one in record["labels"]] == ["background", "face"]
    assert record["clicks"][1] == {"x": 150, "y": 120, "label": "trousers", "positive": False}
    with Image.open(out / "masks" / "person.png") as mask:
        assert set(np.unique(np.array(mask))) == {0, 1}
        assert mask.convert("RGB").getpixel((50, 40)) == CCP.colours[13]
    code, text = ihp(*arguments, "--click", "50,40,face")
    assert (code, "holds results of other clicks (50,40,face 150,120,trousers,negative)" in text) == (1, True)


def test_labels_that_the_model_lacks_are_said(picture: Path, tmp_path: Path) -> None:
    code, text = ihp("parse", picture, "--out", tmp_path / "m.png", "--labels", "face, badge")
    assert (code, "ihp: labels: badge: they are missing in the results" in text) == (0, True)
    code, text = ihp("parse", picture, "--out", tmp_path / "m.png", "--labels", "badge", "--click", "1,1,badge")
    assert (code, "click: label 'badge' is unknown to the model" in text) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["{folder}", "nowhere", "no*.jpg", "--out", "out"], "'nowhere' is no file or folder and matches none"),
        (["{folder}", "nowhere", "no*.jpg", "--out", "out"], "'no*.jpg' is no file or folder and matches none"),
        (["{empty}", "--out", "out"], "holds no photographs"),
        (["{folder}", "--out", "{folder}"], "is the folder of the results, too"),
        (["{folder}", "--out", "{empty}/.."], "holds other files (empty)"),
        (["{folder}", "--out", "{folder}/notes.txt"], "out: {folder}/notes.txt cannot be written to"),
        (["{folder}", "--out", "m.png"], "takes one label map, there are 4 photographs"),
        (["{folder}", "--out", "out", "--click", "1,1,face"], "'1,1,face' is for one photograph, not for 4"),
        (["{folder}", "--out", "out", "--write", "mask,masks"], "write: 'masks' is unknown; choose some of mask,"),
        (["{folder}", "--out", "out", "--write", ""], "write: '' is unknown"),
        (["{folder}/day 1/a.jpg", "--out", "m.png", "--write", "mask"], "write: 'mask' needs a folder"),
        (["{folder}", "--out", "out", "--config", "nowhere.xml"], "config: nowhere.xml: cannot be read"),
        (["{folder}", "--out", "out", "--config", "{folder}/notes.txt"], "label_config: syntax error"),
        (["{folder}", "--out", "out", "--config", "c.xml", "--labels", "hair"], "labels, config: both are given"),
        (["{folder}", "--out", "out", "--labels", " , "], "names no label"),
    ],
)
def test_what_is_wrong_is_said_before_the_work(
    folder: Path, tmp_path: Path, stand_in: StandInParser, monkeypatch: pytest.MonkeyPatch,
    arguments: list[str], says: str,
) -> None:  # fmt: skip
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    empty = tmp_path / "empty"
    empty.mkdir()
    code, text = ihp("parse", *(argument.format(folder=folder, empty=empty) for argument in arguments))
    assert code == 1
    assert says.format(folder=folder) in text
    assert "Traceback" not in text
    assert stand_in.parsed == []
    assert files(tmp_path / "here") == []
