"""`ihp doctor` where Label Studio is not reached: the cause and its cure, and no password of any address."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ihp_backend.doctor.case import Case
from ihp_backend.doctor.examination import examine_servers
from ihp_backend.doctor.finding import Finding, Mend
from ihp_backend.label_studio.api.client import LabelStudio
from ihp_backend.label_studio.web.image_settings import ImageSettings
from ihp_backend.server.server_settings import ServerSettings
from tests.commands.test_accepted import run
from tests.doctor.conftest import StandInInstallation
from tests.label_studio.conftest import _no_proxies  # noqa: F401  no proxy and no trusted certificates of this machine
from tests.label_studio.image_server import redirects
from tests.label_studio.trouble_servers import Place, free_port, place
from tests.label_studio.troubles import API_TROUBLES, LEGACY, PASSWORD, TROUBLES, Trouble


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Place]:
    with place(tmp_path) as found:
        yield found


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IHP_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("IHP_ALLOW_PRIVATE_ADDRESSES", "1")
    monkeypatch.setenv("COLUMNS", "400")


@pytest.mark.parametrize("trouble", [*TROUBLES, *API_TROUBLES], ids=str)
def test_the_cause_and_its_cure(trouble: Trouble, at: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    url, variables = trouble.make(at)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    images = ImageSettings.from_environment({"LABEL_STUDIO_URL": url, "LABEL_STUDIO_API_KEY": trouble.token})
    case = Case(ServerSettings(images=images), LabelStudio(images, pauses=()), f"http://127.0.0.1:{free_port()}")
    found = [finding for finding in examine_servers(case) if finding.place == "Label Studio"]
    (wrong,) = (finding for finding in found if finding.level == "error")
    assert trouble.remedy in wrong.remedy
    if trouble not in API_TROUBLES:
        assert trouble.found in wrong.found
    assert ("start Label Studio" in wrong.remedy) == (trouble.name == "refused")
    for secret in (PASSWORD, trouble.token, "secret"):
        assert secret not in str([finding.to_json() for finding in found])


def test_the_command_tells_it(at: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    (self_signed,) = (trouble for trouble in TROUBLES if trouble.name == "self-signed")
    monkeypatch.setenv("LABEL_STUDIO_URL", self_signed.make(at)[0])
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", LEGACY)
    told = run("doctor")
    assert told.exit_code == 1
    assert "set REQUESTS_CA_BUNDLE to a file with the certificate of your company's CA" in told.output
    assert "start Label Studio" not in told.output


def test_a_backend_that_does_not_speak_http(at: Place) -> None:
    url = at.server(certificate=at.certificate()).url
    shown = run("doctor", "--backend", url)
    assert "it speaks https at this port, not http" in shown.output
    assert "write https:// in --backend" in shown.output


def test_what_was_set_right_is_said(installation: StandInInstallation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", f"'Token {LEGACY}'")
    shown = run("doctor", "--backend", installation.url, "--label-studio-url", f" {installation.url} ")
    assert shown.exit_code == 0, shown.output
    assert "LABEL_STUDIO_API_KEY: quotes and 'Token' left out" in shown.output
    assert "LABEL_STUDIO_URL: white space or quotes around the address left out" in shown.output
    assert LEGACY not in shown.output


def secret(url: str) -> str:
    return url.replace("//", f"//somebody:{PASSWORD}@")


def test_no_password_of_an_address_is_printed(
    installation: StandInInstallation, dead_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither ours, nor of backends, webhooks and photographs in Label Studio, nor in its own words."""
    url, gone = secret(installation.url), secret(dead_url)
    installation.backend |= {"url": url}
    other = {
        **installation.backend,
        "id": 2,
        "url": gone,
        "state": "DI",
        "error_message": f"cannot reach {gone}/health",
    }
    installation.answers("/api/ml/", [other, installation.backend])
    installation.answers("/api/webhooks/", [{**installation.hook, "url": f"{gone}/webhook"}])
    installation.answers("/api/ml/3/interactive-annotating", {"errors": [f"no answer of {url}/predict?token=hush"]})
    tasks = [{"id": 9, "data": {"image": f"{gone}/a.jpg?signature=hush"}}]
    installation.answers("/api/tasks/", {"tasks": tasks, "total": 1})
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", LEGACY)
    for extra in ((), ("--json",), ("--fix",), ("--json", "--fix", "--project", "7")):
        told = run("doctor", "--backend", url, "--label-studio-url", url, *extra)
        assert told.exit_code == 1
        assert dead_url.partition("//")[2] in told.output
        for hidden in (PASSWORD, "somebody", "hush", LEGACY):
            assert hidden not in told.output


@pytest.mark.parametrize(
    "value", [f"somebody:{PASSWORD}@host", f"http://somebody:{PASSWORD}/@host:80x", f"http:\\\\a:{PASSWORD}@b"]
)
def test_no_password_of_an_address_that_is_none(value: str) -> None:
    for arguments in (("doctor", "--backend", value), ("doctor", "--label-studio-url", value)):
        refused = run(*arguments)
        assert refused.exit_code == 1
        assert PASSWORD not in refused.output
    for arguments in (("predict-project", value, "7"), ("predict-project", value, "seven")):
        refused = run(*arguments)
        assert refused.exit_code == 1
        assert PASSWORD not in refused.output


def test_where_a_redirect_leads_is_told_without_its_query(installation: StandInInstallation) -> None:
    installation.server.routes["/api/version/"] = redirects(f"https://a:{PASSWORD}@b.example/login?session=hush")
    (found,) = (one for one in examine_servers(installation.case()) if one.level == "error")
    assert "redirects to https://b.example/login" in found.found
    assert not any(hidden in found.found for hidden in (PASSWORD, "hush"))


def test_findings_and_mends_tell_no_password() -> None:
    url = f"http://a:{PASSWORD}@b/c?d=kept&e=hush"
    found = Finding("a", "error", url, url, mend=Mend(url, url, url, lambda: None))
    assert PASSWORD not in json.dumps(found.to_json())
