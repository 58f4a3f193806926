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
from ihp_backend.storage.documents import FolderDocuments
from ihp_backend.storage.files import RemoteFiles
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


def test_what_is_forgotten_of_a_version_makes_it_no_newer(store: VersionStore) -> None:
    for version in ("v1", "v2", "v3"):
        make(store, version)
    store.write("2", "v1", "manifest.json", b"{}")
    store.remove("2", "v2", "pictures/before.png")
    assert store.versions("2") == ["v1", "v2", "v3"]
    assert store.prune("2", keep=1) == ["v1", "v2"]


def test_a_damaged_list_of_promotions_is_named(store: VersionStore) -> None:
    make(store, "v1")
    (store.folder("2") / "promotions.json").write_text('[{"version"')
    with pytest.raises(StorageError, match=r"promotions\.json cannot be read"):
        store.current("2")


@pytest.fixture
def machines(s3_address: str, tmp_path: Path) -> tuple[VersionStore, VersionStore]:
    """Two machines that share storage in S3 and promotions."""

    def machine(name: str) -> VersionStore:
        return VersionStore(
            tmp_path / name,
            lambda project: FolderDocuments(tmp_path / "promotions" / project),
            lambda project: RemoteFiles(f"{s3_address}/models/{project}", "version"),
        )

    return machine("a"), machine("b")


def test_a_version_made_on_one_machine_serves_on_the_other(machines: tuple[VersionStore, VersionStore]) -> None:
    here, there = machines
    for version in ("v1", "v2"):
        make(here, version)
        assert there.versions("2")[-1] == version
        there.promote("2", version, "gate")
    assert (here.versions("2"), there.current("2")) == (["v1", "v2"], "v2")
    place = there.check("2", "v2")
    assert place.is_relative_to(there.root)
    assert (place / "model.json").read_text() == "v2"
    # What names photographs is not copied: it can be forgotten in one place.
    assert not (place / "pictures").exists()
    assert there.pictures("2", "v2") == []
    assert there.read("2", "v2", "pictures/before.png") == b"picture"
    with pytest.raises(StorageError, match="exists already"):
        make(there, "v1")
    assert there.rollback("2") == "v1"
    assert here.current("2") == "v1"


def test_a_damaged_copy_is_made_again_and_a_damaged_original_refused(
    machines: tuple[VersionStore, VersionStore], s3_address: str
) -> None:
    here, there = machines
    make(here, "v1")
    place = there.check("2", "v1")
    (place / "model.json").write_text("v")
    (place / "another").touch()
    assert (there.check("2", "v1") / "model.json").read_text() == "v1"
    assert not (place / "another").exists()
    shared = RemoteFiles(f"{s3_address}/models/2", "version")
    shared.write("v1/model.json", b"v")
    assert there.check("2", "v1") == place  # The copy is whole.
    (place / "model.json").unlink()
    with pytest.raises(StorageError, match=r"models/2/v1/model\.json is not as it was made; .*ihp models rollback 2"):
        there.check("2", "v1")
    shared.write("v1.sums.json", b"[")
    with pytest.raises(StorageError, match="is no list of sums"):
        there.check("2", "v1")


def test_what_was_left_half_sent_is_no_version(machines: tuple[VersionStore, VersionStore], s3_address: str) -> None:
    here, there = machines
    shared = RemoteFiles(f"{s3_address}/models/2", "version")
    shared.write("v1/model.json", b"{}")
    make(here, "v2")
    assert there.versions("2") == ["v2"]
    with pytest.raises(StorageError, match="has no version v1"):
        there.promote("2", "v1", "gate")
    there.tidy("2")
    assert {name.partition("/")[0] for name in shared.modified()} == {"v2", "v2.sums.json"}


def test_pruned_versions_are_gone_on_both_machines(machines: tuple[VersionStore, VersionStore]) -> None:
    here, there = machines
    for version in ("v1", "v2", "v3"):
        make(here, version)
        there.check("2", version)
    here.promote("2", "v2", "gate")
    assert here.prune("2", keep=1) == ["v1"]
    assert here.versions("2") == there.versions("2") == ["v2", "v3"]
    for machine in machines:
        with pytest.raises(StorageError, match="has no version v1"):
            machine.check("2", "v1")
        assert not machine.folder("2", "v1").exists()


def test_what_names_photographs_can_be_changed_and_removed(machines: tuple[VersionStore, VersionStore]) -> None:
    here, there = machines
    with here.making("2", "v1") as folder:
        (folder / "manifest.json").write_text('{"photographs": [1]}')
        (folder / "pictures").mkdir()
        (folder / "pictures" / "0-7.jpg").write_bytes(b"picture")
    assert there.pictures("2", "v1") == ["pictures/0-7.jpg"]
    there.remove("2", "v1", "pictures/0-7.jpg")
    there.write("2", "v1", "manifest.json", b'{"photographs": []}')
    assert (here.pictures("2", "v1"), here.report("2", "v1", "manifest.json")) == ([], {"photographs": []})
    assert here.report("2", "v1", "gate.json") == {}
    assert here.check("2", "v1")
    assert there.check("2", "v1")


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
