"""`ihp accepted` and `ihp sync` as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from ihp_backend.cli import app
from ihp_backend.datasets import SampleError, check_dataset, open_dataset
from ihp_backend.finetuning.accepted_dataset import AcceptedDataset
from ihp_backend.label_studio.web.image_settings import ImageSettings
from tests.finetuning.test_accepted_set import LEFT, Place, photograph, region
from tests.label_studio.image_server import ImageServer, sends


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("IHP_DATA_DIR", str(folder))
    for name in ("LABEL_STUDIO_URL", "LABEL_STUDIO_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    return folder


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def with_photographs(server: ImageServer, monkeypatch: pytest.MonkeyPatch, place: Place, tasks: range) -> None:
    """Twelve accepted photographs in a Label Studio."""
    monkeypatch.setenv("LABEL_STUDIO_URL", server.url)
    for task in tasks:
        server.routes[f"/{task}.png"] = sends(photograph(task))
        place.tell("ANNOTATION_CREATED", task, task, region("Hat"))


def test_listed_exported_and_opened_as_a_data_set(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ImageServer() as server:
        with_photographs(server, monkeypatch, Place(data_dir), range(1, 13))
        place = Place(data_dir)
        place.tell("ANNOTATION_CREATED", 50, 50, region("Hat"))  # Its photograph is gone.
        place.tell("ANNOTATION_UPDATED", 7, 7, region("Shoe", ~LEFT), region("Hat"), at=9)
        shown = run("accepted", 2, "--export", tmp_path / "out")
        server.shutdown()
    assert shown.exit_code == 0, shown.output
    text = " ".join(shown.output.split())
    assert "12 photographs" in text
    assert "left out: task 50: image" in text
    assert "not used: task 7: annotation 7, region Shoe: labels ['Shoe'] do not name one label of the config" in text
    assert f"{tmp_path / 'out'}: 12 photographs as png, undrawn pixels background" in text
    own = [AcceptedDataset(data_dir / "accepted" / "2", split) for split in ("train", "val")]
    exported = [open_dataset("folder", tmp_path / "out", split) for split in ("train", "val")]
    for (train, val), undrawn in ((own, 255), (exported, 0)):
        assert len(train) + len(val) == 12
        assert len(train) > len(val) > 0
        sample = train[0]
        np.testing.assert_array_equal(sample.parsing == train.labels.id_of("Hat"), LEFT)
        np.testing.assert_array_equal(sample.parsing == undrawn, ~LEFT)
        assert sample.image.shape == (6, 8, 3)
        assert not check_dataset(train).faults
    assert own[0].left_out == own[1].left_out
    assert own[0].left_out["50"].startswith("image")
    assert "left out (1 image" in own[0].if_empty
    again = run("accepted", 2, "--export", tmp_path / "out")
    assert again.exit_code == 1
    assert f"export: {tmp_path / 'out'} is not empty; give a new folder" in again.output
    as_json = json.loads(run("accepted", 2, "--json").stdout)
    assert len(as_json["items"]) == 12


def test_what_is_wrong_is_said_in_a_sentence(data_dir: Path, tmp_path: Path) -> None:
    refused = run("accepted", 9)
    assert refused.exit_code == 1
    assert "ihp: project 9: its labelling config is not known; ihp sync 9" in refused.output
    refused = run("sync", 9)
    assert refused.exit_code == 1
    assert "set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY" in refused.output
    with pytest.raises(FileNotFoundError, match="give accepted/PROJECT of a data folder"):
        AcceptedDataset(tmp_path, "train")
    with pytest.raises(FileNotFoundError, match=r"root: .*/nowhere is missing; give accepted/PROJECT"):
        AcceptedDataset(tmp_path / "nowhere", "train")
    with pytest.raises(ValueError, match="'test' does not exist"):
        AcceptedDataset(tmp_path, "test")


def test_sync_reports_what_it_mended(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = {"id": 4, "data": {"photo": "4.png"}, "annotations": [{"id": 1, "task": 4, "result": [region("Hat")]}]}
    with ImageServer() as server:
        monkeypatch.setenv("LABEL_STUDIO_URL", server.url)
        server.routes["/api/projects/2/"] = sends(b'{"label_config": "<View/>"}', "application/json")
        listing = json.dumps({"tasks": [task], "total": 1}).encode()
        server.routes["/api/tasks/"] = sends(listing, "application/json")
        first, second, wrong = run("sync", 2), run("sync", 2), run("sync", "two")
        server.shutdown()
    assert first.output.strip() == "project 2: 1 differences mended, 1 tasks annotated"
    assert second.output.strip() == "project 2: 0 differences mended, 1 tasks annotated"
    assert (wrong.exit_code, "is no number of a project" in wrong.output) == (1, True)


def test_a_map_that_is_damaged_is_named(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ImageServer() as server:
        with_photographs(server, monkeypatch, Place(data_dir), range(1, 8))
        assert run("accepted", 2).exit_code == 0
        server.shutdown()
    dataset = AcceptedDataset(data_dir / "accepted" / "2", "train")
    for file in (data_dir / "accepted" / "2" / "maps").iterdir():
        file.write_bytes(b"no picture")
    with pytest.raises(SampleError, match="ihp accepted PROJECT makes it again"):
        dataset[0]
    assert ImageSettings().label_studio_url is None
