"""What is said where the packages are missing that only fine-tuning needs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, cast

import pytest

from ihp_backend.doctor import here
from ihp_backend.finetuning.missing_packages import missing_packages, why_no_fine_tuning
from ihp_backend.server.app import create_app
from ihp_backend.server.server_settings import ServerSettings
from tests.commands.test_accepted import run, with_photographs
from tests.finetuning.test_accepted_set import Place
from tests.label_studio.image_server import ImageServer
from tests.server.stand_in import StandInImages, StandInParser

NEEDED = ["numpy", 'torch>=99; extra == "train"', 'no-such-package; extra == "train"', 'neither; extra == "dev"']


@pytest.fixture
def lacking(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The command that installs what is missing."""
    missing_packages.cache_clear()
    monkeypatch.setattr(metadata, "requires", lambda name: NEEDED)
    yield f"{sys.executable} -m pip install 'torch>=99' no-such-package"
    missing_packages.cache_clear()


def test_all_that_the_extra_names_is_installed_at_once(lacking: str) -> None:
    assert missing_packages() == ("torch>=99", "no-such-package")
    told = "no fine-tuning here: torch, no-such-package missing; what is accepted is kept meanwhile"
    assert why_no_fine_tuning() == (told, lacking)


def test_nothing_is_said_where_nothing_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    missing_packages.cache_clear()
    monkeypatch.setattr(metadata, "requires", lambda name: ["numpy", 'pytest; extra == "train"'])
    assert why_no_fine_tuning() is None
    assert [finding.level for finding in here.fine_tuning()] == ["ok"]
    missing_packages.cache_clear()


def test_the_doctor_says_it(lacking: str) -> None:
    (finding,) = here.fine_tuning()
    assert (finding.check, finding.level) == ("fine-tuning", "warning")
    assert lacking in finding.remedy


def test_the_status_says_it(lacking: str, tmp_path: Path) -> None:
    settings = ServerSettings(data_dir=tmp_path / "data")
    client = create_app(cast(Any, StandInParser()), settings, images=cast(Any, StandInImages())).test_client()
    assert lacking in client.get("/status").get_json()["no_fine_tuning"]
    assert "no-such-package missing" in client.get("/status", headers={"Accept": "text/html"}).text


def test_a_job_that_cannot_begin_says_it(lacking: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ihp_backend.finetuning.job", None)
    with ImageServer() as server:
        with_photographs(server, monkeypatch, Place(tmp_path), range(1, 4))
        held = run("train", 2, "--data-dir", tmp_path)
        server.shutdown()
    assert held.exit_code == 1
    assert lacking in held.stdout
