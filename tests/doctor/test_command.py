"""`ihp doctor` as a user runs it, beside a stand-in for Label Studio and the backend."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.commands.test_accepted import run
from tests.doctor.conftest import TOKEN, StandInInstallation


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IHP_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("IHP_ALLOW_PRIVATE_ADDRESSES", "1")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", TOKEN)
    monkeypatch.delenv("LABEL_STUDIO_URL", raising=False)


def test_without_a_label_studio_it_says_what_was_not_looked_at(installation: StandInInstallation) -> None:
    shown = run("doctor", "--backend", installation.url)
    assert shown.exit_code == 0, shown.output
    assert "LABEL_STUDIO_URL is not set" in shown.output
    assert "errors: 0, warnings: 1" in shown.output
    assert run("doctor", "--backend", installation.url, "--project", 7).exit_code == 1


def test_a_healthy_installation_and_a_broken_one(installation: StandInInstallation) -> None:
    arguments = ("doctor", "--backend", installation.url, "--label-studio-url", installation.url)
    shown = run(*arguments)
    assert (shown.exit_code, shown.output.splitlines()[-1]) == (0, "nothing is wrong")
    installation.answers("/api/webhooks/", [])
    shown = run(*arguments)
    assert shown.exit_code == 1
    assert "→ Settings, Webhooks, Add Webhook" in shown.output
    assert "→ ihp doctor --fix does it" in shown.output
    told = json.loads(run(*arguments, "--json").stdout)
    (webhook,) = (found for found in told["findings"] if found["check"] == "webhook")
    assert not told["ok"]
    assert (webhook["level"], webhook["place"]) == ("error", "project 7")
    assert webhook["fix"] == {"what": "webhook of project 7", "before": "none", "after": f"{installation.url}/webhook"}


def test_what_label_studio_refuses_to_change_is_said(installation: StandInInstallation) -> None:
    installation.refuses("/api/webhooks/", {"detail": "You do not have permission to create webhooks"}, [])
    shown = run("doctor", "--backend", installation.url, "--label-studio-url", installation.url, "--fix")
    assert shown.exit_code == 1
    assert "refused webhook of project 7\n  before: none\n" in shown.output
    assert "status 403, You do not have permission" in shown.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--backend", "localhost:9090"],
            "http:// or https:// is missing; give one like http://127",
        ),
        (["--label-studio-url", "studio"], "LABEL_STUDIO_URL: 'studio' is no absolute address"),
    ],
)
def test_what_cannot_be_used_is_said(arguments: list[str], message: str) -> None:
    refused = run("doctor", *arguments)
    assert refused.exit_code == 1
    assert message in refused.output


def test_a_backend_that_is_down(dead_url: str) -> None:
    shown = run("doctor", "--backend", dead_url)
    assert shown.exit_code == 1
    assert "start it with ihp serve" in shown.output
