"""What is named when Label Studio, the token, the backend or its connection are not as they should be."""

from __future__ import annotations

import time

import pytest

from ihp_backend.doctor.calling import NoAnswer
from ihp_backend.doctor.examination import examine_servers
from ihp_backend.doctor.label_studio import token
from ihp_backend.label_studio.api.client import LabelStudio
from ihp_backend.label_studio.web.image_settings import ImageSettings
from ihp_backend.label_studio.web.no_connection import NoConnection
from tests.doctor.conftest import Break, StandInInstallation
from tests.label_studio.image_server import redirects, sends, status, web_token


def test_a_healthy_installation(installation: StandInInstallation) -> None:
    findings = list(examine_servers(installation.case()))
    assert {finding.level for finding in findings} == {"ok"}
    legs = {finding.check for finding in findings if finding.milliseconds is not None}
    assert legs == {"address", "token", "backend", "setup", "connection", "photograph", "first click", "click"}


def test_nothing_is_written_without_fix(installation: StandInInstallation) -> None:
    list(examine_servers(installation.case()))
    written = {(asked.method, asked.path) for asked in installation.server.asked if asked.method != "GET"}
    # The two lists are asked with bodies that cannot be saved.
    posts = {"/setup", "/predict", "/api/ml/", "/api/webhooks/", "/api/ml/3/interactive-annotating"}
    assert written == {("POST", path) for path in posts}
    for asked in installation.server.asked:
        if asked.method == "POST" and asked.path in ("/api/ml/", "/api/webhooks/"):
            assert b'"project": 7' not in asked.body


def _old(installation: StandInInstallation) -> None:
    installation.answers("/api/version/", {"release": "1.8.0"})


def _no_label_studio(installation: StandInInstallation) -> None:
    installation.server.routes["/api/version/"] = sends(b"<html>", "text/html")


def _moved(installation: StandInInstallation) -> None:
    installation.server.routes["/api/version/"] = redirects("https://elsewhere.example/")


def _no_token(installation: StandInInstallation) -> None:
    installation.token = ""


def _wrong_token(installation: StandInInstallation) -> None:
    installation.answers("/api/current-user/whoami", {"detail": "Invalid token."}, 401)


def _legacy_is_off(installation: StandInInstallation) -> None:
    told = {"detail": "Authentication token no longer valid: legacy token authentication has been disabled"}
    installation.answers("/api/current-user/whoami", told, 401)


def _expired(installation: StandInInstallation) -> None:
    installation.token = web_token(token_type="refresh", exp=1_600_000_000)


def _revoked(installation: StandInInstallation) -> None:
    installation.token = web_token(token_type="refresh", exp=time.time() + 1e6)
    installation.server.routes["/api/token/refresh/"] = status(401)


def _short_lived(installation: StandInInstallation) -> None:
    installation.token = web_token(token_type="access", exp=time.time() + 200)


def _other_backend(installation: StandInInstallation) -> None:
    installation.answers("/health", {"status": "UP", "model_class": "SomethingElse"})


def _broken_setup(installation: StandInInstallation) -> None:
    installation.answers("/setup", {"error": "no"}, 500)


def _refused(installation: StandInInstallation) -> None:
    told = {"detail": "URL resolves to a reserved network address (block: 127.0.0.0/8)"}
    installation.refuses("/api/ml/", told, [installation.backend])


def _half_refused(installation: StandInInstallation) -> None:
    told = {"detail": "URL resolves to a reserved network address (block: 127.0.0.0/8)"}
    installation.refuses("/api/webhooks/", told, [])


def _nothing_connected(installation: StandInInstallation) -> None:
    installation.answers("/api/ml/", [])


def _not_interactive(installation: StandInInstallation) -> None:
    installation.answers("/api/ml/", [{**installation.backend, "is_interactive": False}])


def _cut_off(installation: StandInInstallation) -> None:
    installation.answers("/api/ml/", [{**installation.backend, "state": "DI"}])


def _silent_error(installation: StandInInstallation) -> None:
    installation.answers("/api/ml/3/interactive-annotating", {"errors": ["timed out"]})


def _second_in_line(installation: StandInInstallation) -> None:
    first = {**installation.backend, "id": 2, "url": "http://127.0.0.1:9"}
    installation.answers("/api/ml/", [first, installation.backend])


def _pre_annotated(installation: StandInInstallation) -> None:
    installation.answers("/api/projects/7/", {**installation.project, "show_collab_predictions": True})


@pytest.mark.parametrize(
    ("break_it", "check", "level", "found", "remedy"),
    [
        (_old, "version", "warning", "1.8.0", "label-studio==1.23.2"),
        (_no_label_studio, "address", "error", "not as Label Studio does", "LABEL_STUDIO_URL"),
        (_moved, "address", "error", "redirects to https://elsewhere.example/", "LABEL_STUDIO_URL"),
        (_no_token, "token", "error", "LABEL_STUDIO_API_KEY is not set", "personal access token"),
        (_wrong_token, "token", "error", "refuses (status 401): Invalid token.", "personal access token"),
        (_legacy_is_off, "token", "error", "does not take legacy tokens", "API Tokens Settings"),
        (_expired, "token", "error", "expired on 2020-09-13", "personal access token"),
        (_revoked, "token", "error", "revoked", "personal access token"),
        (_short_lived, "token", "warning", "an access token", "five minutes"),
        (_other_backend, "backend", "error", "not as this backend does", "--port"),
        (_broken_setup, "setup", "error", "status 500: no", "log"),
        (_refused, "backend address", "error", "reserved network address", "ML_BLOCK_LOCAL_IP=false"),
        (_half_refused, "webhook address", "error", "reserved network", "SSRF_PROTECTION_ENABLED=false"),
        (_nothing_connected, "projects", "error", "no project has a backend", "Connect Model"),
        (_not_interactive, "connection", "error", "not asked for clicks", "Interactive preannotations"),
        (_cut_off, "connection", "error", "state", "host.docker.internal"),
        (_silent_error, "connection", "error", "editor shows nothing: ['timed out']", "logs"),
        (_second_in_line, "first backend", "error", "http://127.0.0.1:9, which comes first", "Settings, Model"),
        (_pre_annotated, "pre-annotation", "warning", "select them", "Settings, Annotation"),
    ],
)  # fmt: skip
def test_named(
    installation: StandInInstallation, break_it: Break, check: str, level: str, found: str, remedy: str
) -> None:
    break_it(installation)
    installation.must_name(check, level, found, remedy)


def test_a_dead_backend_and_a_dead_label_studio(installation: StandInInstallation, dead_url: str) -> None:
    case = installation.case()
    case.backend_url = dead_url
    installation.backend["url"] = dead_url
    installation.answers("/api/ml/", [installation.backend])
    wrong = {finding.check: finding for finding in examine_servers(case) if finding.level == "error"}
    assert "refused" in wrong["backend"].found
    assert "ihp serve" in wrong["backend"].remedy
    dead = LabelStudio(ImageSettings(label_studio_url=dead_url, label_studio_api_key="a"), pauses=())
    case = installation.case()
    case.studio = dead
    findings = list(examine_servers(case))
    assert [(one.check, one.place) for one in findings if one.level == "error"] == [("address", "Label Studio")]
    # What can be looked at without Label Studio is looked at.
    assert [one.level for one in findings if one.check == "backend"] == ["ok"]


def test_no_token_in_what_is_told(installation: StandInInstallation) -> None:
    for break_it in (_wrong_token, _revoked, _short_lived):
        break_it(installation)
        for finding in examine_servers(installation.case()):
            assert installation.token not in str(finding.to_json())


def test_an_expiry_is_told_by_the_clock_here(installation: StandInInstallation) -> None:
    studio = LabelStudio(
        ImageSettings(label_studio_url=installation.url, label_studio_api_key=web_token(token_type="access", exp=100))
    )
    assert [finding.level for finding in token(studio, now=99)] == ["warning"]
    assert [finding.level for finding in token(studio, now=101)] == ["error"]


def test_a_backend_that_answers_elsewhere_takes_the_place_of_one_that_was_only_expected(
    installation: StandInInstallation, dead_url: str
) -> None:
    expected, named = installation.case(7), installation.case(7)
    expected.backend_url = named.backend_url = dead_url
    named.backend_named = True
    assert {finding.level for finding in examine_servers(expected)} == {"ok"}
    assert [finding.level for finding in examine_servers(named) if finding.check == "backend"] == ["error"]


@pytest.mark.parametrize(("project", "title", "mended"), [(7, "SAM", 1), (None, "IHP Backend", 1), (None, "SAM", 0)])
def test_a_dead_backend_is_replaced_only_where_it_is_meant(
    installation: StandInInstallation, dead_url: str, project: int | None, title: str, mended: int
) -> None:
    installation.answers("/api/ml/", [{**installation.backend, "url": dead_url, "title": title, "state": "DI"}])
    found = [finding for finding in examine_servers(installation.case(project)) if finding.check == "connection"]
    assert [finding.level for finding in found] == ["error"]
    assert sum(finding.mend is not None for finding in found) == mended


def test_a_backend_that_only_label_studio_reaches_is_left_alone(
    installation: StandInInstallation, dead_url: str
) -> None:
    installation.answers("/api/ml/", [{**installation.backend, "url": dead_url}])
    findings = {finding.check: finding for finding in examine_servers(installation.case(7))}
    assert (findings["connection"].level, findings["connection"].mend) == ("warning", None)
    assert "--backend" in findings["connection"].remedy
    # Whether addresses are refused is asked of the one that Label Studio has.
    assert dead_url in findings["backend address"].found


@pytest.mark.parametrize(
    ("host", "project", "mended"), [("127.0.0.1", 7, True), ("127.0.0.1", None, False), ("192.0.2.1", 7, False)]
)
def test_a_webhook_is_deleted_only_where_the_backend_lives(
    installation: StandInInstallation, monkeypatch: pytest.MonkeyPatch, host: str, project: int | None, mended: bool
) -> None:
    left = {**installation.hook, "id": 6, "url": f"http://{host}:9/webhook", "project": project}
    installation.answers("/api/webhooks/", [installation.hook, left])
    case = installation.case()
    real = case.health
    monkeypatch.setattr(
        case,
        "health",
        lambda url: NoAnswer("away", NoConnection("away", "")) if url.endswith(f"{host}:9") else real(url),
    )
    (finding,) = (finding for finding in examine_servers(case) if finding.check == "stale webhook")
    assert (finding.mend is not None) == mended
