"""What was saved comes back, wherever it is restored; what is damaged, cut off or too new changes nothing."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql
from sqlalchemy.engine import Connection
from typer.testing import CliRunner

from ihp_backend.annotation_store import store as annotation_store
from ihp_backend.annotation_store.store import AnnotationStore
from ihp_backend.backup import restoring
from ihp_backend.backup.restoring import restore
from ihp_backend.backup.saving import save
from ihp_backend.cli import app
from ihp_backend.finetuning.ingest import ingest
from ihp_backend.finetuning.workspace import RESTORING, Workspace
from ihp_backend.storage.storage_error import StorageError
from tests.finetuning.test_accepted_set import photograph

from .installations import KINDS, Maker, accept, annotate, being_used, everything, fill, no_bar

ROOT = Path(__file__).parents[2]


@pytest.fixture
def make(tmp_path: Path, request: pytest.FixtureRequest) -> Maker:
    return Maker(tmp_path, request.getfixturevalue)


@pytest.fixture
def saved(make: Maker, tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """A backup, and what was there."""
    origin = fill(make())
    save(origin, tmp_path / "backup.tar", no_bar)
    return tmp_path / "backup.tar", everything(origin)


@pytest.mark.parametrize("target", KINDS)
@pytest.mark.parametrize("origin", KINDS)
def test_all_of_it_comes_back_with_any_database_and_storage(
    origin: str, target: str, make: Maker, tmp_path: Path
) -> None:
    here = fill(make(origin))
    before = everything(here)
    assert all(before.values()), "each has something to lose"
    told = save(here, tmp_path / "backup.tar", no_bar)
    assert told == {"events": 8, "annotations": 5, "photographs": 5, "versions": 3, "documents": 6}
    assert everything(here) == before
    there = make(target)
    restore(there, tmp_path / "backup.tar", no_bar)
    assert everything(there) == before
    # And it goes on from there: events have new numbers, versions serve and are gone back from, nothing is fetched.
    there = Workspace(there.places)
    assert annotate(there, 13) == max(row[0] for row in before["events"]) + 1
    assert there.versions.check("2", "0002-bb").name == there.versions.current("2")
    assert there.versions.versions("2") == ["0001-aa", "0002-bb", "0003-cc"]
    assert there.versions.rollback("2") == "0001-aa"
    fetched: list[int] = []

    def fetch(address: str, task: int) -> bytes:
        fetched.append(task)
        return photograph(task)

    accept(there, fetch)
    assert fetched == [12, 13]
    index = there.accepted("2").read()
    assert index is not None
    assert [item.task for item in index.items] == [7, 8, 9, 10, 12, 13]
    assert there.click_memory().signs("2", "7") == {"click-7": True}


@pytest.mark.parametrize("kind", ["SQLite", "PostgreSQL"])
def test_a_backup_that_is_made_while_everybody_works_hangs_together(kind: str, make: Maker, tmp_path: Path) -> None:
    here = fill(make(kind))
    with being_used(here):
        for number in range(3):
            save(here, tmp_path / f"{number}.tar", no_bar)
    all_events = everything(here)["events"]
    for number in range(3):
        there = make()
        restore(there, tmp_path / f"{number}.tar", no_bar)
        events = everything(there)["events"]
        assert events == [row for row in all_events if row[0] <= max(event[0] for event in events)]
        assert there.annotation_store.ingested <= max(event[0] for event in events)
        # What follows from the events is what it would be had there been nothing else.
        replayed = AnnotationStore(tmp_path / f"replayed-{number}.sqlite")
        ingest(there.inbox, replayed)
        ingest(there.inbox, there.annotation_store)
        assert replayed.current("2") == there.annotation_store.current("2")
        serving = there.versions.current("2")
        assert serving is not None
        there.versions.check("2", serving)
        index = there.accepted("2").read()
        assert index is not None
        for item in index.items:
            assert hashlib.sha256(there.photographs.read(item.photograph)).hexdigest() == item.photograph


def test_an_archive_is_for_its_owner_and_other_programs_read_it(saved: tuple[Path, Any], tmp_path: Path) -> None:
    file, _ = saved
    assert file.stat().st_mode & 0o777 == 0o600
    subprocess.run(["tar", "-xf", file, "-C", tmp_path], check=True)
    done = subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=tmp_path, check=False)
    assert done.returncode == 0
    assert b"secret" not in file.read_bytes()


def test_a_file_that_is_there_stays(make: Maker, tmp_path: Path) -> None:
    (tmp_path / "backup.tar").write_text("of yesterday")
    with pytest.raises(StorageError, match=r"file: .*backup.tar is there already; give another name"):
        save(make(), tmp_path / "backup.tar", no_bar)
    assert (tmp_path / "backup.tar").read_text() == "of yesterday"


def test_what_is_not_empty_is_replaced_only_if_that_is_said(
    saved: tuple[Path, dict[str, Any]], make: Maker, subtests_kind: str
) -> None:
    file, wanted = saved
    there = make(subtests_kind)
    other = there.inbox.record({"action": "A", "project": {"id": 9}})
    with there.versions.making("2", "0009-zz") as folder:
        (folder / "model.json").write_text("other")
    with there.versions.making("2", "0001-aa") as folder:
        (folder / "stray.json").write_text("of another version with that name")
    there.versions.promote("2", "0009-zz", "gate")
    there.photographs.put(b"other", "9", 1)
    there.job_folder("2").mkdir(parents=True, exist_ok=True)
    (there.job_folder("2") / "training-1.pt").write_text("half of another job")
    before = everything(there)
    with pytest.raises(StorageError, match=r"is not empty \(.*1 rows of the events.*--replace"):
        restore(there, file, no_bar)
    assert everything(there) == before
    restore(there, file, no_bar, replace=True)
    assert everything(there) == wanted
    assert there.versions.versions("2") == ["0001-aa", "0002-bb", "0003-cc"]
    there.versions.check("2", "0001-aa")
    assert list(there.job_folder("2").glob("*.pt")) == []
    assert there.inbox.record({"action": "A"}) > other


@pytest.fixture(params=KINDS)
def subtests_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_no_damage_goes_unseen(saved: tuple[Path, dict[str, Any]], make: Maker, tmp_path: Path) -> None:
    """Of each kind of place in the archive; what matters to nobody, such as padding, may differ."""
    file, wanted = saved
    whole = file.read_bytes()
    with tarfile.open(file) as archive:
        inside = [member.offset_data + member.size // 2 for member in archive if member.size]
        headers = [member.offset + 3 for member in archive]
    there = make()
    empty = everything(there)
    chance = random.Random(0)
    damaged = tmp_path / "damaged.tar"
    for place in [*inside, *headers, *(chance.randrange(len(whole)) for _ in range(30))]:
        damaged.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << chance.randrange(8)]) + whole[place + 1 :])
        try:
            restore(there, damaged, no_bar)
        except StorageError as error:
            said = str(error)
            assert everything(there) == empty
        else:
            said = ""
            assert place not in inside
            assert everything(there) == wanted
            there = make()
        assert not said or (str(damaged) in said and "give another backup" in said)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.7, 0.95])
def test_an_archive_that_was_cut_off(share: float, saved: tuple[Path, Any], make: Maker, tmp_path: Path) -> None:
    file, _ = saved
    with tarfile.open(file) as archive:
        end = archive.getmember("SHA256SUMS").offset
    os.truncate(file, int(share * end))
    there = make()
    with pytest.raises(StorageError, match=r"(is not whole|is damaged).*; give another backup"):
        restore(there, file, no_bar)
    assert not (there.data_dir / RESTORING).exists()


def rewritten(file: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """The archive with other contents, whose sums are right."""
    other, sums = file.with_suffix(".other.tar"), ""
    with tarfile.open(file) as old, tarfile.open(other, "w") as new:
        for member in old:
            content = old.extractfile(member).read()  # type: ignore[union-attr]
            changed = sums.encode() if member.name == "SHA256SUMS" else change(member.name, content)
            if changed is not None:
                member.size = len(changed)
                sums += f"{hashlib.sha256(changed).hexdigest()}  {member.name}\n"
                new.addfile(member, io.BytesIO(changed))
    return other


def in_manifest(change: Callable[[dict[str, Any]], object]) -> Callable[[str, bytes], bytes]:
    def changed(name: str, content: bytes) -> bytes:
        if name != "manifest.json":
            return content
        manifest = json.loads(content)
        change(manifest)
        return json.dumps(manifest).encode()

    return changed


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (in_manifest(lambda said: said.update(format=2)), r"written by a later release \(format 2, .* install that"),
        (
            in_manifest(lambda said: said["schemas"]["events"].update(version=9)),
            r"the events in .* is of a later release \(version 9, this one knows 1\); install that release",
        ),
        (in_manifest(lambda said: said["schemas"].pop("events")), "has no events; give another backup"),
        (in_manifest(lambda said: said["schemas"].update(new={"tables": {}})), "has new, which this release does not"),
        (lambda name, content: None if name == "tables/uses.jsonl.gz" else content, "has no rows of uses"),
        (lambda name, content: None if name == "manifest.json" else content, "is no backup of this program"),
    ],
)
def test_what_this_release_does_not_know_changes_nothing(
    change: Callable[[str, bytes], bytes | None], said: str, saved: tuple[Path, Any], make: Maker
) -> None:
    there = make()
    empty = everything(there)
    with pytest.raises(StorageError, match=said):
        restore(there, rewritten(saved[0], change), no_bar)
    assert everything(there) == empty
    Workspace(there.places)


@pytest.mark.parametrize("text", ["no archive", ""])
def test_a_file_that_is_no_archive(text: str, make: Maker, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text(text)
    with pytest.raises(StorageError, match=r"file: .*notes.txt is no(t whole| backup)"):
        restore(make(), tmp_path / "notes.txt", no_bar)
    with pytest.raises(StorageError, match=r"file: .*nothing.tar cannot be read \(No such file"):
        restore(make(), tmp_path / "nothing.tar", no_bar)


def test_names_that_lead_out_of_the_folder_are_refused(saved: tuple[Path, Any], make: Maker) -> None:
    def renamed(place: str) -> Path:
        other = saved[0].with_suffix(".renamed.tar")
        sums = ""
        with tarfile.open(saved[0]) as old, tarfile.open(other, "w") as new:
            for member in old:
                content = old.extractfile(member).read()  # type: ignore[union-attr]
                member.name = place if member.name.endswith("0001-aa/model.json") else member.name
                content = sums.encode() if member.name == "SHA256SUMS" else content
                member.size = len(content)
                sums += f"{hashlib.sha256(content).hexdigest()}  {member.name}\n"
                new.addfile(member, io.BytesIO(content))
        return other

    for place in ("models/2/../../../x", "models/../x/y/z", "photographs/../x", "models//2/v/x", "models/2/v/.x", "x"):
        with pytest.raises(StorageError, match="which this release does not know"):
            restore(make(), renamed(place), no_bar)


@pytest.mark.parametrize("target", ["SQLite", "PostgreSQL"])
def test_a_backup_of_an_earlier_schema_is_brought_up_to_date(
    target: str, saved: tuple[Path, dict[str, Any]], make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with a later release whose annotations have a column more."""
    file, wanted = saved
    before = annotation_store._SCHEMA
    tables = sql.MetaData()
    for table in before.tables.sorted_tables:
        table.to_metadata(tables)
    column = sql.Column("reviewer", sql.Text, nullable=False, server_default="nobody")
    tables.tables["annotations"].append_column(column)

    def add_reviewer(connection: Connection) -> None:
        connection.exec_driver_sql("ALTER TABLE annotations ADD COLUMN reviewer TEXT NOT NULL DEFAULT 'nobody'")
        connection.exec_driver_sql("UPDATE annotations SET reviewer = 'of task ' || task WHERE task > 9")

    monkeypatch.setattr(annotation_store, "_SCHEMA", replace(before, tables=tables, migrations=(add_reviewer,)))
    there = make(target)
    restore(there, file, no_bar)
    found = everything(there)
    assert {row[:-1]: row[-1] for row in found.pop("annotations")} == {
        row: f"of task {row[2]}" if row[2] > 9 else "nobody" for row in wanted["annotations"]
    }
    assert found == {name: rows for name, rows in wanted.items() if name != "annotations"}


@pytest.mark.parametrize("target", KINDS)
@pytest.mark.parametrize("step", ["_write_rows", "_remove_others"])
def test_an_interrupted_restoration_opens_to_nothing_but_another(
    step: str, target: str, saved: tuple[Path, dict[str, Any]], make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, wanted = saved
    there = make(target)

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(restoring, step, interrupted)
        with pytest.raises(KeyboardInterrupt):
            restore(there, file, no_bar)
    with pytest.raises(StorageError, match=r"data_dir: .*\.restoring says .*; give ihp restore with that backup again"):
        Workspace(there.places)
    restore(there, file, no_bar)
    assert everything(there) == wanted
    Workspace(there.places)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 130), (signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_an_interrupted_backup_leaves_no_archive(number: int, status: int, make: Maker, tmp_path: Path) -> None:
    here = make()
    for task in range(300):
        here.photographs.put(random.Random(task).randbytes(200_000), "2", task)
    (tmp_path / "backups").mkdir()
    command = [sys.executable, "-m", "ihp_backend.cli", "backup", str(tmp_path / "backups" / "backup.tar")]
    process = subprocess.Popen(
        [*command, "--data-dir", str(here.data_dir)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # A test run in the background of a shell ignores SIGINT, and so would the backup.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )

    def half_written() -> bool:
        return any(path.stat().st_size > 1_000_000 for path in (tmp_path / "backups").glob(".*.part"))

    while not half_written():
        assert process.poll() is None
        time.sleep(0.001)
    process.send_signal(number)
    assert process.stderr is not None
    said = process.stderr.read()
    assert process.wait(60) == status
    left = [path.name for path in (tmp_path / "backups").iterdir()]
    if number == signal.SIGKILL:
        assert all(name.startswith(".backup.tar.") for name in left)
    else:
        assert left == []
        assert said == "ihp: interrupted; nothing was written\n"


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no small disk can be mounted here; it needs root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_leaves_no_archive(make: Maker, tmp_path: Path) -> None:
    here = fill(make())
    here.photographs.put(random.Random(1).randbytes(1_000_000), "2", 99)
    with small_disk(tmp_path / "small", "200k") as folder:
        with pytest.raises(StorageError, match=r"file: .*backup.tar cannot be written .*; free some space") as caught:
            save(here, folder / "backup.tar", no_bar)
        assert caught.value.disk_full
        assert list(folder.iterdir()) == []


def test_a_full_disk_can_be_restored_to_once_it_has_room(make: Maker, tmp_path: Path) -> None:
    here, file = fill(make()), tmp_path / "backup.tar"
    for task in range(20):
        here.photographs.put(random.Random(task).randbytes(50_000), "2", task)
    save(here, file, no_bar)
    wanted = everything(here)
    with small_disk(tmp_path / "small", "4m") as folder:
        there = Workspace(folder, restoring=True)
        filler = folder / "filler"
        with pytest.raises(OSError, match="No space"):
            filler.write_bytes(bytes(5 << 20))
        os.truncate(filler, filler.stat().st_size - 400_000)
        with pytest.raises(StorageError, match="free some space"):
            restore(there, file, no_bar)
        filler.unlink()
        restore(there, file, no_bar)
        assert everything(there) == wanted


def test_a_damaged_photograph_does_not_spoil_a_backup(
    make: Maker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    here = fill(make())
    victim = next((here.data_dir / "photographs").iterdir())
    victim.write_bytes(b"rotten")
    assert save(here, tmp_path / "backup.tar", no_bar)["photographs"] == 4
    assert f"{victim} is damaged and is left out" in caplog.text
    there = make()
    restore(there, tmp_path / "backup.tar", no_bar)
    assert not there.photographs.has(victim.name)


@pytest.mark.parametrize("kind", KINDS)
def test_photographs_that_are_not_where_they_should_be_are_missed(
    kind: str, make: Maker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    here = fill(make(kind))
    save(here, tmp_path / "whole.tar", no_bar)
    assert "not in the backup" not in caplog.text
    if here.places.storage is None:
        shutil.rmtree(here.data_dir / "photographs")
    else:
        # As with the name of a bucket that is mistyped.
        here = Workspace(replace(here.places, storage="s3://not-there/at-all"), restoring=True)
    assert save(here, tmp_path / "lacking.tar", no_bar)["photographs"] == 0
    assert "photographs: 5 that accepted tasks use are not in the backup" in caplog.text


def test_the_commands(make: Maker, tmp_path: Path) -> None:
    here, there = fill(make()), make()
    file = tmp_path / "backup.tar"
    done = CliRunner().invoke(app, ["backup", str(file), "--data-dir", str(here.data_dir)])
    assert done.exit_code == 0, done.output
    assert "8 events, 5 annotations, 5 photographs, 3 versions, 6 documents" in done.output
    assert "not in it: credentials" in done.output
    again = CliRunner().invoke(app, ["backup", str(file), "--data-dir", str(here.data_dir)])
    assert (again.exit_code, "is there already" in again.output) == (1, True)
    done = CliRunner().invoke(app, ["restore", str(file), "--data-dir", str(there.data_dir)])
    assert done.exit_code == 0, done.output
    assert everything(there) == everything(here)
    again = CliRunner().invoke(app, ["restore", str(file), "--data-dir", str(there.data_dir)])
    assert (again.exit_code, "--replace" in again.output) == (1, True)
