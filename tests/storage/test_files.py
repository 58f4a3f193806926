"""Files in a folder and in S3: whole or not there, and seen by others at once."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path

import pytest

from ihp_backend.label_studio.backend_settings import BackendSettings, SettingsError
from ihp_backend.storage.files import Files, FolderFiles, RemoteFiles, storage_address
from ihp_backend.storage.storage_error import StorageError


@pytest.fixture(params=["folder", "S3"])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Files, Files]:
    """The files as two machines see them."""
    if request.param == "folder":
        return FolderFiles(tmp_path / "files", "photographs"), FolderFiles(tmp_path / "files", "photographs")
    address = request.getfixturevalue("s3_address")
    return RemoteFiles(address, "photographs"), RemoteFiles(f"{address}/", "photographs")


def test_what_one_writes_the_other_reads(places: tuple[Files, Files]) -> None:
    here, there = places
    assert (here.read("a/b"), here.has("a/b"), here.modified(), there.modified("a")) == (None, False, {}, {})
    began = time.time()
    for content in (b"one", b"", bytes(range(256)) * 100_000):
        here.write("a/b", content)
        assert there.read("a/b") == content
        assert there.has("a/b")
    here.write("c", b"x")
    written = there.modified()
    assert set(written) == {"a/b", "c"}
    assert all(began - 2 <= when <= time.time() + 2 for when in written.values())
    assert set(there.modified("a")) == {"a/b"}
    assert set(there.modified("b")) == set()
    for _ in range(2):
        there.remove("a/b")
    assert (here.read("a/b"), here.has("a/b"), set(here.modified())) == (None, False, {"c"})
    assert str(here.place("c")).endswith("/c")


def test_storage_that_is_away_is_named(s3_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import s3fs

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    s3fs.S3FileSystem.clear_instance_cache()
    files = RemoteFiles(s3_address, "photographs")
    with pytest.raises(StorageError, match=r"photographs: s3://ihp/.*/x cannot be written .*; check IHP_STORAGE"):
        files.write("x", b"x")
    monkeypatch.undo()
    s3fs.S3FileSystem.clear_instance_cache()


def test_a_bucket_that_is_not_there(s3_address: str) -> None:
    with pytest.raises(StorageError, match="cannot be written"):
        RemoteFiles("s3://no-such-bucket/x", "photographs").write("x", b"x")


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "files").write_text("no folder")
    with pytest.raises(StorageError, match="check that its folder exists"):
        FolderFiles(tmp_path / "files", "photographs").write("x", b"x")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("relative/folder", "relative/folder is no whole path"),
        ("nosuch://bucket/x", "nosuch:// cannot be used"),
    ],
)
def test_an_address_that_is_of_no_use(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        storage_address(text)


def test_a_folder_that_is_not_mounted_is_not_made(tmp_path: Path) -> None:
    variables = {"IHP_STORAGE": f"file://{tmp_path / 'shared'}", "IHP_DATA_DIR": str(tmp_path / "data")}
    settings = BackendSettings.from_environment(variables)
    with pytest.raises(SettingsError, match=r"IHP_STORAGE: there is no folder .*shared; mount it, or make it"):
        settings.prepare_data_dir()
    (tmp_path / "shared").mkdir()
    assert settings.prepare_data_dir() == tmp_path / "data"
    assert settings.places.folder("models") == tmp_path / "shared" / "models"


def test_files_are_listed_while_others_come_and_go(tmp_path: Path) -> None:
    files, ended = FolderFiles(tmp_path, "version"), threading.Event()
    files.write("stays/a", b"x")

    def work() -> None:
        while not ended.is_set():
            for number in range(20):
                files.write(f"going/{number}/a", b"x")
            shutil.rmtree(tmp_path / "going")

    worker = threading.Thread(target=work)
    worker.start()
    try:
        assert all("stays/a" in files.modified() for _ in range(300))
    finally:
        ended.set()
        worker.join()
