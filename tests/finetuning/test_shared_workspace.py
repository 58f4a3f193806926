"""Two machines that share a database: what one is told, both know; a fine-tuning job is one's."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, cast

import pytest

from ihp_backend.annotation_store.changes import Annotation
from ihp_backend.finetuning import progress as progress_module
from ihp_backend.finetuning.accepted_index import Index
from ihp_backend.finetuning.ingest import ingest
from ihp_backend.finetuning.schedule import TrainedState
from ihp_backend.finetuning.workspace import Workspace
from ihp_backend.label_studio.predict.model_cache import ModelCache
from ihp_backend.labels import LabelSet
from ihp_backend.storage import database_documents
from ihp_backend.storage.places import Places
from ihp_backend.storage.storage_error import StorageError
from tests.postgresql_server import PostgresqlServer
from tests.server.stand_in import StandInParser

ROOT = Path(__file__).parents[2]


@pytest.fixture
def machines(postgresql: PostgresqlServer, tmp_path: Path) -> tuple[Workspace, Workspace]:
    place = postgresql.fresh()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    return Workspace(Places(tmp_path / "a", place)), Workspace(Places(tmp_path / "b", place))


def test_events_and_what_follows_from_them_are_known_to_both(machines: tuple[Workspace, Workspace]) -> None:
    here, there = machines
    numbers = [machine.inbox.record({"action": "START_TRAINING", "project": {"id": 2}}) for machine in machines * 2]
    assert numbers == sorted(numbers)
    assert ingest(there.inbox, there.annotation_store) == 4
    assert ingest(here.inbox, here.annotation_store) == 0
    assert here.annotation_store.training_wanted("2") == 4
    there.annotation_store.note(Annotation("2", 5, 7, "1", 1.0, False, "{}"))
    assert [one.id for one in here.annotation_store.current("2")] == [5]


def test_an_accepted_set_is_brought_up_to_date_by_one_at_a_time(
    machines: tuple[Workspace, Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = (machine.accepted("2") for machine in machines)
    labels = LabelSet.from_dict({"names": ["background", "Hat"]})
    with here.alone():
        here._keep(Index(labels, held_out_share=0.25))
        monkeypatch.setattr("ihp_backend.finetuning.accepted_set.LONGEST_UPDATE", 0.0)
        with pytest.raises(StorageError, match="by another worker"), there.alone():
            pass
    with there.alone():
        index = there.read()
    # What was learned from is never held out, whichever machine learned.
    assert index is not None
    assert index.held_out_share == 0.25


def test_a_promotion_serves_on_both(machines: tuple[Workspace, Workspace], monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = machines
    monkeypatch.setattr(there.versions, "root", here.versions.root)  # As a folder that both have mounted.

    def loaded(folder: Path) -> Any:
        parser = StandInParser()
        parser.version = (folder / "model.json").read_text()
        return parser

    caches = [ModelCache(cast(Any, StandInParser()), machine.versions, loaded) for machine in machines]
    for version in ("v1", "v2"):
        with here.versions.making("2", version) as folder:
            (folder / "model.json").write_text(version)
        there.versions.promote("2", version, "gate")
        assert [cache.of_project("2").version for cache in caches] == [version] * 2
    assert here.versions.rollback("2") == "v1"
    assert [cache.of_project("2").version for cache in caches] == ["v1"] * 2
    assert there.versions.prune("2", keep=0) == ["v2"]


RUNNER = """
import sys, time
from pathlib import Path
from ihp_backend.finetuning.workspace import Workspace
from ihp_backend.storage import database_documents
from ihp_backend.storage.database import postgresql_url
from ihp_backend.storage.places import Places
database_documents.LEASE = 1.0
with Workspace(Places(Path(sys.argv[1]), postgresql_url(sys.argv[2]))).progress("2").job("a test") as job:
    job.tell(stage="training", step=3, steps=10, loss=0.5)
    print("running", flush=True)
    while not job.stop_wanted:
        time.sleep(0.02)
    job.end("stopped", message="asked to")
"""


def start(machine: Workspace) -> subprocess.Popen[str]:
    assert machine.places.database is not None
    place = machine.places.database.render_as_string(hide_password=False)
    command = [sys.executable, "-c", RUNNER, str(machine.data_dir), place]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "running\n"
    return process


def test_a_job_is_seen_and_stopped_from_the_other_machine(machines: tuple[Workspace, Workspace]) -> None:
    here, there = machines
    process = start(here)
    seen = there.progress("2").current()
    assert seen is not None
    assert (seen.state, seen.stage, seen.step) == ("running", "training", 3)
    with there.progress("2").job("another") as second:
        assert second is None
    assert there.progress("2").stop()
    assert process.wait(20) == 0
    seen = there.progress("2").current()
    assert seen is not None
    assert (seen.state, seen.message) == ("stopped", "asked to")
    TrainedState({7: "a"}, 2).write(here.job_documents("2"))
    assert TrainedState.read(there.job_documents("2")) == TrainedState({7: "a"}, 2)


def test_a_killed_job_is_given_back_to_the_other_machine(
    machines: tuple[Workspace, Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_documents, "LEASE", 1.0)
    here, there = machines
    process = start(here)
    process.send_signal(signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with there.progress("2").job("again") as job:
            if job is not None:
                job.end("promoted", version="v1")
                break
        time.sleep(0.1)
    assert [report.state for report in here.progress("2").history()] == ["interrupted", "promoted"]
    assert here.progress("2").outcomes() == {"interrupted": 1, "promoted": 1}


def test_whoever_lost_a_job_writes_nothing_into_it(
    machines: tuple[Workspace, Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_documents, "LEASE", 0.4)
    here, there = machines
    with here.progress("2").job("the first") as lost:
        assert lost is not None
        renew = lost._claim._renew
        monkeypatch.setattr(lost._claim, "_renew", lambda: True)  # It stands still.
        time.sleep(0.8)
        with there.progress("2").job("the second") as job:
            assert job is not None
            monkeypatch.setattr(lost._claim, "_renew", renew)
            with pytest.raises(StorageError, match="another worker has taken it up"):
                lost.confirm()
            with pytest.raises(StorageError, match="another worker has taken it up"):
                lost.tell(step=3)
            lost.end("failed", message="late")
            shown = here.progress("2").current()
            assert shown is not None
            assert (shown.reason, shown.state) == ("the second", "running")
            job.end("promoted", version="v1")
    assert [report.reason for report in here.progress("2").history()] == ["the first", "the second"]
    assert [report.state for report in here.progress("2").history()] == ["interrupted", "promoted"]


def test_a_job_goes_on_while_the_database_is_away(
    machines: tuple[Workspace, Workspace], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(progress_module, "PAUSE", 0.0)
    with machines[0].progress("2").job("a test") as job:
        assert job is not None
        away = 3

        class Away:
            def __getattr__(self, name: str) -> Any:
                nonlocal away
                if name in ("write", "stamp") and away:
                    away -= 1
                    raise StorageError("documents: away")
                return getattr(documents, name)

        documents = job._documents
        monkeypatch.setattr(job, "_documents", Away())
        job.tell(step=1)
        assert not job.stop_wanted
        job.end("promoted", version="v1")
    assert "how far the job is cannot be told" in caplog.text
    assert [report.state for report in machines[1].progress("2").history()] == ["promoted"]
