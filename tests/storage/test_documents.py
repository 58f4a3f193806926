"""Documents in a folder, in SQLite and in PostgreSQL: replaced as a whole, and claimed by one."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from ihp_backend.storage.database_documents import DatabaseDocuments, documents_database
from ihp_backend.storage.documents import Documents, FolderDocuments
from ihp_backend.storage.storage_error import StorageError
from tests.postgresql_server import PostgresqlServer

ROOT = Path(__file__).parents[2]
Make = Callable[[str], Documents]


@pytest.fixture(params=["folder", "SQLite", "PostgreSQL"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Makes documents by the name of their home."""
    if request.param == "folder":
        return lambda home: FolderDocuments(tmp_path / home)
    place = tmp_path / "documents.sqlite"
    if request.param == "PostgreSQL":
        place = request.getfixturevalue("postgresql").fresh()
    return partial(DatabaseDocuments, documents_database(place), lease=1.0)


def test_a_document_is_replaced_and_removed(make: Make) -> None:
    documents = make("a")
    assert (documents.read("x"), documents.stamp("x")) == (None, None)
    stamps = []
    for text in ("one", "zwei ü\n", ""):
        documents.write("x", text)
        assert make("a").read("x") == text
        stamps.append(documents.stamp("x"))
        assert documents.stamp("x") == stamps[-1]
    assert len(set(stamps)) == 3
    assert (make("b").read("x"), documents.read("y")) == (None, None)
    assert "x" in documents.place("x")
    assert "a" in documents.place("x")
    documents.remove("x")
    documents.remove("x")
    assert (documents.read("x"), documents.stamp("x")) == (None, None)


def test_whoever_reads_and_writes_alone_loses_nothing(make: Make) -> None:
    def count(_: int) -> None:
        with make("a").alone() as texts:
            texts.write("count", str(int(texts.read("count") or 0) + 1))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(count, range(40)))
    assert make("a").read("count") == "40"


def test_a_claim_is_one_persons(make: Make) -> None:
    documents = make("a")
    assert not documents.claimed()
    with documents.claim() as first:
        assert first is not None
        assert first.confirm()
        assert make("a").claimed()
        with make("a").claim() as second:
            assert second is None
        assert documents.claimed()
        with make("b").claim() as other:
            assert other is not None
        make("a").write("x", "is not what is claimed")
    assert not documents.claimed()
    with make("a").claim() as again:
        assert again is not None


def test_a_claim_outlasts_its_lease_while_its_process_lives(make: Make) -> None:
    with make("a").claim() as claim:
        assert claim is not None
        time.sleep(2.5)
        with make("a").claim() as other:
            assert other is None
        assert not claim.lost


HOLDER = """
import sys, time
from pathlib import Path
from ihp_backend.storage.database import postgresql_url
from ihp_backend.storage.database_documents import DatabaseDocuments, documents_database
with DatabaseDocuments(documents_database(postgresql_url(sys.argv[1])), "a", lease=1.0).claim() as claim:
    print("claimed", flush=True)
    while not claim.lost:
        time.sleep(0.05)
print("lost", flush=True)
"""


def holder(place: URL) -> subprocess.Popen[str]:
    text = place.render_as_string(hide_password=False)
    process = subprocess.Popen([sys.executable, "-c", HOLDER, text], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "claimed\n"
    return process


def wait_for_the_claim(documents: Documents) -> float:
    began = time.monotonic()
    while time.monotonic() - began < 20:
        with documents.claim() as claim:
            if claim is not None:
                return time.monotonic() - began
        time.sleep(0.05)
    raise AssertionError("it is not given back")


def test_a_killed_process_gives_its_claim_back_when_the_lease_ends(postgresql: PostgresqlServer) -> None:
    place = postgresql.fresh()
    documents, process = DatabaseDocuments(documents_database(place), "a", lease=1.0), holder(place)
    time.sleep(1.5)
    assert documents.claimed()
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert wait_for_the_claim(documents) > 0.2


def test_a_process_that_stood_still_learns_that_it_lost(postgresql: PostgresqlServer) -> None:
    place = postgresql.fresh()
    documents, process = DatabaseDocuments(documents_database(place), "a", lease=1.0), holder(place)
    process.send_signal(signal.SIGSTOP)
    wait_for_the_claim(documents)
    process.send_signal(signal.SIGCONT)
    assert process.communicate(timeout=20)[0] == "lost\n"
    # It gives back what is its own only.
    with documents.claim() as claim:
        assert claim is not None


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "documents.sqlite").write_text("nonsense " * 1000)
    with pytest.raises(StorageError, match=r"documents: .*documents\.sqlite cannot be opened"):
        documents_database(tmp_path / "documents.sqlite")
