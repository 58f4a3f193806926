"""What is named of the machine: packages, data folder, disk, memory, model."""

from __future__ import annotations

import shutil
from collections import namedtuple
from importlib import metadata
from pathlib import Path

import pytest

from ihp_backend.doctor import here
from ihp_backend.doctor.model import model, versions
from ihp_backend.model_registry.versions import VersionStore
from ihp_backend.parsing.checkpoint import PACKAGED
from ihp_backend.server.server_settings import ServerSettings

_Usage = namedtuple("_Usage", "total used free")


def test_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [finding.level for finding in here.packages()] == ["ok"]
    needed = ["numpy>=99", "no-such-package>=1", "requests", 'torch; extra == "train"', 'nothing; python_version < "3"']
    monkeypatch.setattr(metadata, "requires", lambda name: needed)
    (finding,) = here.packages()
    assert finding.level == "error"
    assert finding.found.endswith(">=99 is needed; no-such-package is missing")
    assert "pip install" in finding.remedy


def test_the_data_folder(tmp_path: Path) -> None:
    (finding,) = here.data_folder(ServerSettings(data_dir=tmp_path / "new"))
    assert (finding.level, "first start" in finding.found) == ("ok", True)
    assert not (tmp_path / "new").exists()
    (tmp_path / "file").touch()
    (finding,) = here.data_folder(ServerSettings(data_dir=tmp_path / "file"))
    assert (finding.level, "IHP_DATA_DIR" in finding.remedy) == ("error", True)


@pytest.mark.parametrize(("free", "level"), [(1 << 20, "error"), (2 << 30, "warning"), (50 << 30, "ok")])
def test_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free: int, level: str) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: _Usage(100 << 30, 0, free))
    (finding,) = here.disk(ServerSettings(data_dir=tmp_path / "new"))
    assert (finding.level, "IHP_DATA_DIR" in finding.remedy) == (level, level != "ok")


def test_memory_is_what_the_container_leaves(tmp_path: Path) -> None:
    information = tmp_path / "meminfo"
    information.write_text("MemTotal: 9999 kB\nMemAvailable:    8000000 kB\n")
    assert here.available_memory(information, tmp_path) == 8_000_000 * 1024
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("400\n")
    assert here.available_memory(information, tmp_path) == 600
    assert here.available_memory(tmp_path / "none", tmp_path / "none") is None


@pytest.mark.parametrize(("free", "level"), [(1 << 20, "error"), (1 << 30, "warning"), (50 << 30, "ok")])
def test_memory(monkeypatch: pytest.MonkeyPatch, free: int, level: str) -> None:
    monkeypatch.setattr(here, "available_memory", lambda: free)
    assert [finding.level for finding in here.memory()] == [level]


def test_the_model(tmp_path: Path) -> None:
    loaded, click = model(ServerSettings())
    assert (loaded.check, loaded.level, click.check) == ("model", "ok", "model click")
    assert (click.milliseconds or 0) > 0
    folder = shutil.copytree(PACKAGED / "ccp-deeplab", tmp_path / "truncated")
    (folder / "model.onnx").write_bytes(b"half")
    for wrong, told in ((folder, "truncated"), ("nowhere", "'nowhere' is neither")):
        (finding,) = model(ServerSettings(model=str(wrong)))
        assert finding.level == "error"
        assert told in finding.found


def test_a_version_that_serves_and_is_damaged(tmp_path: Path) -> None:
    assert list(versions(ServerSettings(data_dir=tmp_path))) == []
    store = VersionStore(tmp_path / "models")
    with store.making("7", "second") as folder:
        (folder / "model.json").write_text("{}")
    store.promote("7", "second", "for the test")
    assert [finding.level for finding in versions(ServerSettings(data_dir=tmp_path))] == ["ok"]
    (store.folder("7", "second") / "model.json").write_text("damaged")
    (finding,) = versions(ServerSettings(data_dir=tmp_path))
    assert (finding.level, "model.json is not as it was made" in finding.found) == ("error", True)
    assert "ihp models rollback 7" in finding.remedy
