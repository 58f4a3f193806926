"""What other users of the machine may do with files is taken away, and nothing else is touched."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from ihp_backend.finetuning.workspace import Workspace, close_data_folder
from ihp_backend.label_studio.backend_settings import BackendSettings
from ihp_backend.storage.owner_only import close_to_others


def open_to_others(folder: Path) -> set[str]:
    """The files and folders below a folder that others than its owner may do anything with."""
    found = (path for path in folder.rglob("*") if not path.is_symlink() and path.stat().st_mode & 0o077)
    return {str(path.relative_to(folder)) for path in found}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_an_open_data_folder_is_closed_and_it_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    workspace = Workspace(tmp_path)
    workspace.photographs.put(b"photograph", "2", 1)
    (tmp_path / "ledger.sqlite-wal").touch()
    # The folder may have been given by mistake: what is not ours stays as it is.
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "file").write_text("")
    (tmp_path / "photographs" / "link").symlink_to(tmp_path / "theirs")
    for path in (tmp_path, *tmp_path.rglob("*")):
        path.chmod(path.stat().st_mode | 0o055)
    theirs = [tmp_path, tmp_path / "theirs", tmp_path / "theirs" / "file"]
    before = [mode(path) for path in theirs]
    close_data_folder(tmp_path)
    assert open_to_others(tmp_path) == {"theirs", "theirs/file"}
    assert [mode(path) for path in theirs] == before
    assert f"files and folders in {tmp_path} were open to other users" in caplog.text
    caplog.clear()
    close_data_folder(tmp_path)
    assert not caplog.text


def test_what_is_missing_is_no_fault(tmp_path: Path) -> None:
    assert close_to_others([tmp_path / "none"]) == 0


def test_new_files_are_closed(tmp_path: Path) -> None:
    folder = BackendSettings(data_dir=tmp_path / "data").prepare_data_dir()
    workspace = Workspace(folder)
    workspace.photographs.put(b"photograph", "2", 1)
    workspace.inbox.record({"action": "TASKS_CREATED"})
    (folder / "accepted" / "2").mkdir(parents=True)
    assert open_to_others(folder) == set()
