"""Each symptom that is known of real installations, provoked in one: `ihp doctor` names it, and mends what it can."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from examples.demo import label_studio, processes
from examples.demo import project as demo_project
from examples.demo.client import LabelStudioUser
from examples.demo.settings import LABELLING_CONFIG, PHOTOGRAPHS
from ihp_backend.cli import app
from ihp_backend.label_studio.api.client import ApiError, Record
from tests.label_studio.image_server import ImageServer, sends

from .conftest import LABEL_STUDIO_ENVIRONMENT
from .installation import FACE, Installation, Project, another_backend, eventually, new_project
from .regions import click

pytestmark = pytest.mark.label_studio

CONFIG = LABELLING_CONFIG.read_text()
HOPPER = PHOTOGRAPHS / "grace_hopper.jpg"

Examine = Callable[..., Record]


@pytest.fixture
def examine(installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Examine:
    """What ``ihp doctor --json`` tells; ``wrong`` holds the errors and warnings by check."""
    monkeypatch.setenv("IHP_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")

    def run(*arguments: object, url: str = installation.client.url, token: str = installation.account.token) -> Record:
        monkeypatch.setenv("LABEL_STUDIO_URL", url)
        monkeypatch.setenv("LABEL_STUDIO_API_KEY", token)
        if "--backend" not in arguments:
            arguments = ("--backend", installation.backend_url, *arguments)
        done = CliRunner().invoke(app, ["doctor", "--json", *map(str, arguments)], catch_exceptions=False)
        told: Record = json.loads(done.stdout)
        assert token not in done.output
        assert (done.exit_code == 0) == told["ok"]
        told["wrong"] = {found["check"]: found for found in told["findings"] if found["level"] != "ok"}
        return told

    return run


def test_where_nothing_is_wrong_nothing_is_named_and_every_leg_measured(examine: Examine, project: Project) -> None:
    told = examine("--project", project.id)
    assert (told["ok"], told["wrong"], told["changes"]) == (True, {}, [])
    legs = {found["check"] for found in told["findings"] if found["milliseconds"]}
    assert legs >= {"address", "token", "backend", "setup", "connection", "photograph", "first click", "click"}
    # Nothing of it is remembered: the first real click on the photograph stands alone.
    assert [region["value"]["brushlabels"] for region in project.click([click(FACE)])] == [["face"]]


def test_all_that_is_wrong_with_a_project_is_named_and_what_can_be_is_mended(
    installation: Installation, examine: Examine
) -> None:
    project = new_project(installation, [HOPPER])
    client, path = project.client, f"/api/projects/{project.id}/"
    config = (
        CONFIG.replace('smart="false"', "")
        .replace('smartOnly="true"', "")
        .replace('value="hat" hotkey="t"', 'value="hat" hotkey="b"')
    )
    client.change("PATCH", path, {"label_config": config, "show_collab_predictions": True})
    [webhook] = client.webhooks(project.id)
    client.change("DELETE", f"/api/webhooks/{webhook['id']}/")
    client.create_webhook(project.id, f"http://127.0.0.1:{processes.free_port()}/webhook")
    lost = client.create_task(project.id, f"http://127.0.0.1:{processes.free_port()}/lost.jpg")

    wrong = examine("--project", project.id)["wrong"]
    assert {check: found["level"] for check, found in wrong.items()} == {
        "webhook": "error",
        "stale webhook": "warning",
        "smart brush": "error",
        "click tool": "warning",
        "hotkeys": "warning",
        "pre-annotation": "warning",
        "photograph": "error",
    }
    assert "'b' chooses a tool, and 'hat'" in wrong["hotkeys"]["found"]
    assert f"task {lost['id']}" in wrong["photograph"]["found"]
    assert all(found["remedy"] for found in wrong.values())

    annotation = client.annotate(project.tasks[0]["id"], project.click([click(FACE)]))
    mended = examine("--project", project.id, "--fix")
    assert [change["refused"] for change in mended["changes"]] == [None] * 5
    assert set(mended["wrong"]) == {"pre-annotation", "photograph"}
    now = client.get(path)["label_config"]
    assert now.count("<!--") == CONFIG.count("<!--")
    assert 'value="hat" hotkey="t"' in now
    # No work is lost, and annotations reach the backend again.
    assert [one["id"] for one in client.annotations(project.tasks[0]["id"])] == [annotation["id"]]
    before = installation.status()["events_recorded"]
    client.change("PATCH", f"/api/annotations/{annotation['id']}/", {"result": annotation["result"]})
    assert eventually(lambda: installation.status()["events_recorded"] == before + 1)

    # What only people can decide, done by hand.
    client.delete_task(lost)
    client.change("PATCH", path, {"label_config": CONFIG, "show_collab_predictions": False})
    assert examine("--project", project.id, "--fix")["wrong"] == {}


def test_labels_that_a_model_lacks_are_named(installation: Installation, examine: Examine, tmp_path: Path) -> None:
    config = CONFIG.replace('value="bag"', 'value="tail"')
    with another_backend(installation, tmp_path, ["--model", "ccp-deeplab"]) as url:
        project = new_project(installation, [HOPPER], url, config)
        wrong = examine("--project", project.id, "--backend", url)["wrong"]
    assert {check: found["level"] for check, found in wrong.items()} == {"labels": "warning"}
    assert "'tail'" in wrong["labels"]["found"]
    assert "bag" in wrong["labels"]["remedy"]
    live = new_project(installation, [HOPPER], label_config=config)
    told = examine("--project", live.id)
    assert told["wrong"] == {}
    assert any("1 new to it" in found["found"] for found in told["findings"])


def test_a_backend_that_moved_is_found_again(installation: Installation, examine: Examine) -> None:
    with ImageServer() as elsewhere:
        for route, answer in (("/health", {"model_class": "IHPBackend"}), ("/setup", {"model_version": "1"})):
            elsewhere.routes[route] = sends(json.dumps(answer).encode(), "application/json")
        project = new_project(installation, [HOPPER], elsewhere.url)
        elsewhere.shutdown()
    down = examine("--project", project.id, "--backend", elsewhere.url)
    assert down["wrong"]["backend"]["level"] == "error"
    assert "ihp serve" in down["wrong"]["backend"]["remedy"]
    moved = examine("--project", project.id)
    assert set(moved["wrong"]) == {"connection"}
    assert elsewhere.url in moved["wrong"]["connection"]["found"]
    mended = examine("--project", project.id, "--fix")
    assert mended["wrong"] == {}
    assert [change["before"] for change in mended["changes"]] == [elsewhere.url, "none", f"{elsewhere.url}/webhook"]
    [backend] = project.client.backends(project.id)
    assert (backend["id"], backend["url"]) == (project.backend, installation.backend_url)
    assert [hook["url"] for hook in project.client.webhooks(project.id)] == [f"{installation.backend_url}/webhook"]


def test_a_project_without_a_backend_gets_one_and_a_switched_off_one_is_switched_on(
    installation: Installation, examine: Examine
) -> None:
    client = installation.client
    record = client.create_project("Unconnected", CONFIG, **demo_project.SETTINGS)
    demo_project.import_photograph(client, record["id"], HOPPER)
    assert set(examine("--project", record["id"])["wrong"]) == {"connection"}
    assert examine("--project", record["id"], "--fix")["wrong"] == {}
    [backend] = client.backends(record["id"])
    asleep = {"project": record["id"], "url": backend["url"], "is_interactive": False}
    client.change("PATCH", f"/api/ml/{backend['id']}", asleep)
    [webhook] = client.webhooks(record["id"])
    client.change("PATCH", f"/api/webhooks/{webhook['id']}/", {"is_active": False})
    wrong = examine("--project", record["id"])["wrong"]
    assert set(wrong) == {"connection", "webhook"}
    assert "not asked for clicks" in wrong["connection"]["found"]
    assert "is_active off" in wrong["webhook"]["found"]
    assert examine("--project", record["id"], "--fix")["wrong"] == {}
    client.create_webhook(record["id"], webhook["url"])
    assert "more than once" in examine("--project", record["id"])["wrong"]["webhook"]["found"]
    assert examine("--project", record["id"], "--fix")["wrong"] == {}
    assert [hook["id"] for hook in client.webhooks(record["id"])] == [webhook["id"]]


def test_tokens(installation: Installation, project: Project, examine: Examine, request: pytest.FixtureRequest) -> None:
    unknown = examine("--project", project.id, token="0" * 40)
    assert "Invalid token" in unknown["wrong"]["token"]["found"]
    client = project.client
    client.post("/api/jwt/settings", {"api_tokens_enabled": True, "legacy_api_tokens_enabled": True})
    revoked = client.post("/api/token/", {})["token"]
    client.change("POST", "/api/token/blacklist/", {"refresh": revoked})
    assert "revoked" in examine("--project", project.id, token=revoked)["wrong"]["token"]["found"]
    personal: str = request.getfixturevalue("personal_access_token")
    legacy = examine("--project", project.id)
    assert "does not take legacy tokens" in legacy["wrong"]["token"]["found"]
    # The backend still has the legacy token, so that it gets no photographs it does not have yet.
    told = examine("--project", project.id, token=personal)
    assert set(told["wrong"]) == {"photograph"}
    assert "asked by the backend" in told["wrong"]["photograph"]["found"]
    assert "LABEL_STUDIO_API_KEY" in told["wrong"]["photograph"]["remedy"]
    [token] = [found for found in told["findings"] if found["check"] == "token"]
    assert token["found"].startswith("a personal access token of")


@contextmanager
def label_studio_with(installation: Installation, folder: Path, **settings: str) -> Iterator[LabelStudioUser]:
    """Another Label Studio with a copy of the data, which spares it the long first start."""
    file = Path("label-studio") / "label_studio.sqlite3"
    (folder / file).parent.mkdir(parents=True)
    with closing(sqlite3.connect(installation.folder / file)) as data, closing(sqlite3.connect(folder / file)) as copy:
        data.backup(copy)
    port = processes.free_port()
    server = label_studio.server(LABEL_STUDIO_ENVIRONMENT, folder, port, installation.account)
    server = replace(server, environment={**server.environment, **settings})
    try:
        processes.wait_until_healthy(server, processes.start(server), timeout=300)
        yield LabelStudioUser(f"http://localhost:{port}", installation.account.token)
    finally:
        processes.stop(server.record)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"ML_BLOCK_LOCAL_IP": "true", "SSRF_PROTECTION_ENABLED": "true"}, {"backend address", "webhook address"}),
        ({"SSRF_PROTECTION_ENABLED": "true"}, {"webhook address", "webhook"}),
    ],
    ids=["refused", "saved without its webhook"],
)
def test_addresses_that_label_studio_refuses(
    installation: Installation, examine: Examine, tmp_path: Path, settings: dict[str, str], named: set[str]
) -> None:
    with label_studio_with(installation, tmp_path, **settings) as client:
        record = client.create_project("Refused", CONFIG, **demo_project.SETTINGS)
        demo_project.import_photograph(client, record["id"], HOPPER)
        with pytest.raises(ApiError, match="reserved network address"):
            client.connect_backend(record["id"], installation.backend_url, "IHP Backend")
        told: dict[str, Any] = examine("--project", record["id"], "--fix", url=client.url)
        wrong = {check: found for check, found in told["wrong"].items() if found["place"] != "backend"}
        assert named <= set(wrong)
        assert "reserved network address" in wrong["webhook address"]["found"]
        for check in named - {"webhook"}:
            assert "ML_BLOCK_LOCAL_IP=false SSRF_PROTECTION_ENABLED=false" in wrong[check]["remedy"]
        assert all("reserved network address" in change["refused"] for change in told["changes"])
