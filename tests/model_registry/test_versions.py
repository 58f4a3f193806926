"""Versions: whole or not there, served and gone back from, whatever is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from ihp_backend.model_registry.versions import VersionStore
from ihp_backend.storage.storage_error import StorageError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def store(tmp_path: Path) -> VersionStore:
    return VersionStore(tmp_path / "models")


def make(store: VersionStore, version: str, project: str = "2") -> Path:
    with store.making(project, version) as folder:
        (folder / "model.json").write_text(version)
        (folder / "pictures").mkdir()
        (folder / "pictures" / "before.png").write_bytes(b"picture")
    return store.folder(project, version)


def test_a_version_is_there_once_it_is_whole(store: VersionStore) -> None:
    with store.making("2", "v1") as folder:
        (folder / "model.json").write_text("{}")
        assert store.versions("2") == []
    assert store.versions("2") == ["v1"]
    assert store.check("2", "v1") == store.folder("2", "v1")
    assert [path.name for path in store.folder("2").iterdir() if path.name.startswith(".")] == []


def test_one_that_fails_leaves_nothing(store: VersionStore) -> None:
    def fail() -> None:
        with store.making("2", "v1") as folder:
            (folder / "model.json").write_text("{}")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert store.versions("2") == []
    make(store, "v1")
    with pytest.raises(StorageError, match="exists already"):
        make(store, "v1")
    assert store.check("2", "v1")


def test_there_and_back_again(store: VersionStore) -> None:
    for version in ("v1", "v2", "v3"):
        make(store, version)
    assert store.current("2") is None
    for version in ("v1", "v2"):
        store.promote("2", version, "gate")
    assert store.rollback("2") == "v1"
    assert store.current("2") == "v1"
    store.promote("2", "v3", "forced")
    # v2 was gone back from: before v3 there was v1, before that the base model.
    assert [store.rollback("2"), store.current("2")] == ["v1", "v1"]
    assert [store.rollback("2"), store.current("2")] == [None, None]
    with pytest.raises(StorageError, match="served by the base model"):
        store.rollback("2")
    assert [promotion.reason for promotion in store.promotions("2")].count("rollback") == 3
    assert store.current("3") is None


@pytest.mark.parametrize("damage", ["truncate", "remove", "add", "sums"])
def test_a_damaged_version_never_serves(store: VersionStore, damage: str) -> None:
    make(store, "v1")
    store.promote("2", "v1", "gate")
    place = make(store, "v2")
    if damage == "truncate":
        (place / "model.json").write_text("v")
    elif damage == "remove":
        (place / "model.json").unlink()
    elif damage == "add":
        (place / "another").touch()
    else:
        place.with_name("v2.sums.json").unlink()
    with pytest.raises(StorageError, match="ihp models rollback 2"):
        store.promote("2", "v2", "gate")
    assert store.current("2") == "v1"


def test_versions_that_do_not_exist(store: VersionStore) -> None:
    with pytest.raises(StorageError, match="has no version v9"):
        store.promote("2", "v9", "gate")
    for name in ("..", "a/b", "", ".hidden"):
        with pytest.raises(StorageError, match="is no name"):
            store.folder(name)
        with pytest.raises(StorageError, match="is no name"):
            store.folder("2", name)


def test_pruning_keeps_what_serves_and_what_was_before(store: VersionStore) -> None:
    for number, version in enumerate(("v1", "v2", "v3", "v4", "v5")):
        os.utime(make(store, version), (number, number))
    store.promote("2", "v1", "gate")
    store.promote("2", "v3", "gate")
    assert store.prune("2", keep=1) == ["v2", "v4"]
    assert store.versions("2") == ["v1", "v3", "v5"]
    assert store.rollback("2") == "v1"


def test_a_damaged_list_of_promotions_is_named(store: VersionStore) -> None:
    make(store, "v1")
    (store.folder("2") / "promotions.json").write_text('[{"version"')
    with pytest.raises(StorageError, match=r"promotions\.json cannot be read"):
        store.current("2")


MAKER = """
import sys
from pathlib import Path
from ihp_backend.model_registry.versions import VersionStore
store, number = VersionStore(Path(sys.argv[1])), int(sys.argv[2])
print("ready", flush=True)
while True:
    number += 1
    with store.making("2", f"v{number}") as folder:
        for part in range(3):
            (folder / f"part{part}").write_bytes(bytes([number % 256]) * 200_000)
    store.promote("2", f"v{number}", "gate")
    if number % 3 == 0:
        store.prune("2", keep=2)
"""


@pytest.mark.parametrize("kills", [12])
def test_killed_at_any_point_a_whole_version_serves(tmp_path: Path, kills: int) -> None:
    store, rng, last = VersionStore(tmp_path / "models"), np.random.default_rng(0), 0
    for kill in range(kills):
        process = subprocess.Popen(
            [sys.executable, "-c", MAKER, str(store.root), str(1000 * kill)], cwd=ROOT, stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(float(rng.uniform(0.005, 0.15)))
        process.send_signal(signal.SIGKILL)
        process.wait()
        current = store.current("2")
        if current is not None:
            place = store.check("2", current)
            number = int(current[1:])
            assert number >= last
            assert {path.read_bytes() for path in place.iterdir()} == {bytes([number % 256]) * 200_000}
            last = number
        store.tidy("2")
        for version in store.versions("2"):
            store.check("2", version)
        assert not list(store.root.glob("*/.half-made-*"))
    assert last > 0
    assert json.loads((store.folder("2") / "promotions.json").read_text())
