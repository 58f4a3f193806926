"""A full disk and one that can only be read: clicks are answered, no event is acknowledged that is not stored."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.server.stand_in import capture

from .serving import ROOT, Disk, served, server_command

FILL = "head -c 100M /dev/zero > $0/filled"


def test_a_full_disk_and_room_again(tmp_path: Path, disk: Disk) -> None:
    event = {**capture("41")["request"], "filler": "x" * 20_000}
    with served(tmp_path, disk.before(4)) as server:
        assert "error" not in server.answers()
        assert server.post("/webhook", event).status_code == 201
        disk.inside(server, f"{FILL} || true")
        acknowledged = 1
        while (answer := server.post("/webhook", event)).status_code == 201:
            acknowledged += 1
            assert acknowledged < 200
        assert answer.status_code == 507
        error = answer.json()["error"]
        assert (error["field"], error["value"]) == ("inbox", "event not stored")
        assert "free some space on its disk" in error["remedy"]
        for task in range(10, 14):
            error = server.answers(task).get("error", error)
        assert error["field"] == "active prompts"
        assert "free some space on its disk" in error["value"] + error["remedy"]
        disk.inside(server, "rm $0/filled")
        assert server.post("/webhook", event).status_code == 201
        assert "error" not in server.answers(15)
        assert server.status()["events_recorded"] == acknowledged + 1
        server.process.terminate()
        assert server.process.wait(30) == 0
    assert not [line for line in server.log if "Traceback" in line]


def test_a_disk_that_can_only_be_read(tmp_path: Path, disk: Disk) -> None:
    event = capture("41")["request"]
    with served(tmp_path, disk.before(8)) as server:
        assert server.post("/webhook", event).status_code == 201
        # Over the folder, as the disk itself stays as it is while files on it are open.
        disk.inside(server, "mount --bind $0 $0 && mount -o remount,bind,ro $0")
        answer = server.post("/webhook", event)
        assert answer.status_code == 503
        assert "check that its folder exists and may be written to" in answer.json()["error"]["remedy"]
        server.answers()
        assert server.get("/status").status_code in (200, 503)
        disk.inside(server, "umount $0")
        assert server.post("/webhook", event).status_code == 201
        assert "error" not in server.answers(9)
        assert server.status()["events_recorded"] == 2
    assert not [line for line in server.log if "Traceback" in line]


def test_a_data_folder_that_can_only_be_read_is_named_at_the_start(tmp_path: Path, disk: Disk) -> None:
    command = [*disk.before(8, "ro"), *server_command(disk.folder)]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
    assert ended.returncode == 1
    assert f"IHP_DATA_DIR (--data-dir): {disk.folder} cannot be written to (Read-only file system)" in ended.stderr


def test_a_full_disk_for_temporary_files(tmp_path: Path, disk: Disk) -> None:
    with served(tmp_path, disk.before(4), temporary=disk.folder) as server:
        disk.inside(server, f"{FILL} || true")
        for task in range(3):
            server.answers(task)
        for path in ("/versions", "/nowhere", "/status", "/metrics"):
            server.get(path)
        assert not [line for line in server.log if "Booting worker" in line][1:]
