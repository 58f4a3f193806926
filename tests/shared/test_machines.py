"""Two machines that serve and share PostgreSQL and S3, behind nginx; one of them is switched off."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ihp_backend.finetuning.workspace import Workspace
from ihp_backend.storage.database import postgresql_url
from ihp_backend.storage.places import Places
from tests.conftest import s3_environment
from tests.postgresql_server import PASSWORD, PostgresqlServer
from tests.shared.annotators import PROJECT, Annotator, Crowd
from tests.shared.machines import Machines, machines


@pytest.fixture
def shared(postgresql: PostgresqlServer, s3_server: str, s3_address: str) -> dict[str, str]:
    """Variables that say what machines share."""
    database = postgresql.text("s" + s3_address.rpartition("/")[2])
    return {**s3_environment(s3_server), "IHP_DATABASE": database, "IHP_STORAGE": s3_address}


@pytest.fixture
def two(tmp_path: Path, shared: dict[str, str]) -> Iterator[Machines]:
    """Two machines that serve."""
    with machines(tmp_path, shared) as started:
        for name in ("a", "b"):
            started.serve(name)
        yield started


@pytest.fixture
def looking(tmp_path: Path, shared: dict[str, str]) -> Workspace:
    """What a third machine sees."""
    (tmp_path / "looking").mkdir()
    places = Places(tmp_path / "looking", postgresql_url(shared["IHP_DATABASE"]), shared["IHP_STORAGE"])
    return Workspace(places)


def test_what_one_is_told_the_other_knows(two: Machines, looking: Workspace) -> None:
    here, there = (Annotator(7, f"http://127.0.0.1:{port}") for port in two.ports.values())
    for number in range(1, 7):
        (here, there)[number % 2].click(number)
    for machine in (here, there):
        machine.submit(0)
    assert here.failures == there.failures == []
    assert set(looking.click_memory().signs(str(PROJECT), "7")) == {*here.clicks, *there.clicks}
    assert [event.id for event in looking.inbox.events()] == [*here.events, *there.events]
    assert all(PASSWORD not in two.log(name) for name in two.ports)


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed: apt-get install nginx-light")
def test_nothing_is_lost_and_no_request_fails_when_a_machine_is_switched_off(two: Machines, looking: Workspace) -> None:
    with Crowd(two.nginx(), 4) as crowd:
        for name in ("a", "b"):
            time.sleep(4)
            two.kill(name)
            time.sleep(3)
            two.serve(name)
            time.sleep(6)  # Until nginx asks it again.
    for annotator in crowd.annotators:
        assert annotator.failures == []
        assert set(looking.click_memory().signs(str(PROJECT), str(annotator.task))) == set(annotator.clicks)
        assert len(annotator.clicks) > 20
    acknowledged = {event for annotator in crowd.annotators for event in annotator.events}
    assert acknowledged
    assert acknowledged <= {event.id for event in looking.inbox.events()}
