"""What Prometheus reads, and what docs and dashboard say that it may read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from ihp_backend import __version__
from ihp_backend.annotation_store.changes import Annotation, Configured
from ihp_backend.finetuning.ingest import ingest
from ihp_backend.finetuning.workspace import Workspace
from ihp_backend.label_studio.predict.batches import Batches
from ihp_backend.parsing.turns import Turn

from .stand_in import capture

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "docker" / "grafana" / "dashboard.json"


def families(client: FlaskClient) -> Iterable[Metric]:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.mimetype == "text/plain"
    return text_string_to_metric_families(answer.get_data(as_text=True))


def value(client: FlaskClient, name: str, **labels: str) -> float | None:
    """The sum of the samples with this name and at least these labels; None if there is none."""
    found = [
        sample.value
        for family in families(client)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    return sum(found) if found else None


@pytest.fixture
def workspace(client: FlaskClient, tmp_path: Path) -> Workspace:
    """Of the application, with a project that has learned once."""
    workspace = Workspace(tmp_path / "data")
    workspace.annotation_store.take(1, [Configured("2", "<View/>"), Annotation("2", 5, 3, "1", 1.0, False, "{}")])
    with workspace.versions.making("2", "0001-ab") as folder:
        (folder / "gate.json").write_text("{}")
    with workspace.progress("2").job("20 photographs new or changed") as job:
        assert job is not None
        job.end("promoted")
    return workspace


def test_requests_count_by_route_and_status(client: FlaskClient) -> None:
    for _ in range(3):
        client.get("/health")
    client.post("/predict", json=capture("10")["request"])
    client.post("/predict", json={"tasks": []})
    client.get("/predict")
    for number in range(20):
        client.get(f"/nothing/{number}")
    counts = {
        ("/health", "200"): 3,
        ("/predict", "200"): 1,
        ("/predict", "400"): 1,
        ("other", "404"): 20,
        ("other", "405"): 1,
    }
    for (route, status), count in counts.items():
        assert value(client, "ihp_request_seconds_count", route=route, status=status) == count
        assert value(client, "ihp_request_seconds_bucket", route=route, status=status, le="+Inf") == count
    shown = {
        (sample.labels["route"], sample.labels["status"])
        for family in families(client)
        if family.name == "ihp_request_seconds"
        for sample in family.samples
    }
    assert shown == {*counts, ("/metrics", "200")}


def test_stages_are_told_apart_for_clicks_and_batches(client: FlaskClient) -> None:
    for number in ("10", "11", "04", "17"):
        assert client.post("/predict", json=capture(number)["request"]).status_code == 200
    for stage in ("reading", "config", "photograph", "model", "masks", "writing", "total"):
        # The one without prompts, 17, has nothing to do and would only make the others look fast.
        assert value(client, "ihp_predict_stage_seconds_count", kind="clicks", stage=stage) == 2
        assert value(client, "ihp_predict_stage_seconds_count", kind="batch", stage=stage) == 1
    assert value(client, "ihp_predict_stage_seconds_count", kind="batch", stage="clicks") is None


def test_the_scene_cache_tells_what_became_of_its_photographs(client: FlaskClient) -> None:
    for number in ("10", "11", "12"):  # One photograph.
        client.post("/predict", json=capture(number)["request"])
    client.post("/predict", json=capture("04")["request"])  # Two others, which are not kept.
    assert value(client, "ihp_scene_cache_hits_total") == 2
    assert value(client, "ihp_scene_cache_misses_total") == 3
    assert value(client, "ihp_scene_cache_evictions_total") == 0
    assert value(client, "ihp_scene_cache_scenes") == 1
    assert value(client, "ihp_scene_cache_bytes") == 800 * 600 * 3


def test_what_is_under_way(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    answered = Batches.answer
    seen: list[float | None] = []

    def answer(*args: object, **kwargs: object) -> object:
        # A request within a request is none of gunicorn's, so another thread asks.
        with ThreadPoolExecutor(1) as other:
            seen.append(other.submit(value, client.application.test_client(), "ihp_batches_in_progress").result())
        return answered(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Batches, "answer", answer)
    client.post("/predict", json=capture("04")["request"])
    assert seen == [1]
    assert value(client, "ihp_batches_in_progress") == 0


def test_who_waits_for_the_network_is_counted(client: FlaskClient) -> None:
    from threading import Thread

    def wait() -> None:
        with turn:
            pass

    turn = Turn()
    waiting = Thread(target=wait)
    with turn:
        waiting.start()
        while not value(client, "ihp_network_waiting"):
            assert waiting.is_alive()
        assert value(client, "ihp_network_waiting") == 1
    waiting.join()
    assert value(client, "ihp_network_waiting") == 0


def test_events_wait_until_they_are_taken_in(client: FlaskClient, tmp_path: Path) -> None:
    for number in ("40", "44"):
        client.post("/webhook", json=capture(number)["request"])
    assert value(client, "ihp_events_waiting") == 2
    workspace = Workspace(tmp_path / "data")
    ingest(workspace.inbox, workspace.annotation_store)
    assert value(client, "ihp_events_waiting") == 0
    project = str(capture("40")["request"]["project"]["id"])
    assert value(client, "ihp_accepted_annotations", project=project) == 1


def test_a_project_tells_its_version_and_its_fine_tuning(client: FlaskClient, workspace: Workspace) -> None:
    assert value(client, "ihp_serving_version_info", project="2", version="stand-in-1") == 1
    workspace.versions.promote("2", "0001-ab", "gate")
    assert value(client, "ihp_serving_version_info", project="2") == 1
    assert value(client, "ihp_serving_version_info", project="2", version="0001-ab") == 1
    assert value(client, "ihp_accepted_annotations", project="2") == 1
    assert value(client, "ihp_fine_tuning_jobs_total", project="2", outcome="promoted") == 1
    assert value(client, "ihp_fine_tuning_running", project="2") == 0
    assert value(client, "ihp_fine_tuning_progress_ratio", project="2") is None
    with workspace.progress("2").job("another") as job:
        assert job is not None
        job.tell(stage="training", step=30, steps=120)
        assert value(client, "ihp_fine_tuning_running", project="2") == 1
        assert value(client, "ihp_fine_tuning_progress_ratio", project="2") == 0.25
    assert value(client, "ihp_fine_tuning_jobs_total", project="2", outcome="failed") == 1
    assert value(client, "ihp_build_info", version=__version__, model_version="stand-in-1") == 1


def test_a_project_that_cannot_be_read_takes_no_other_with_it(client: FlaskClient, workspace: Workspace) -> None:
    workspace.annotation_store.take(2, [Annotation("3", 6, 4, "1", 1.0, False, "{}")])
    assert value(client, "ihp_stores_readable") == 1
    workspace.versions.folder("2").joinpath("promotions.json").write_text("[{")
    assert value(client, "ihp_stores_readable") == 0
    assert value(client, "ihp_accepted_annotations", project="2") is None
    assert value(client, "ihp_accepted_annotations", project="3") == 1


def test_a_data_folder_that_cannot_be_read_leaves_the_other_metrics(client: FlaskClient, tmp_path: Path) -> None:
    (tmp_path / "data" / "events.sqlite").write_text("no database, but longer than a header of one would be " * 20)
    assert value(client, "ihp_stores_readable") == 0
    assert value(client, "ihp_events_waiting") is None
    assert value(client, "ihp_scene_cache_hits_total") == 0


def exported(client: FlaskClient, workspace: Workspace) -> set[str]:
    """The names of all samples, once everything has happened."""
    for number in ("10", "04"):
        client.post("/predict", json=capture(number)["request"])
    client.get("/metrics")
    with workspace.progress("2").job("another") as job:
        assert job is not None
        job.tell(stage="training", step=30, steps=120)
        return {sample.name for family in families(client) for sample in family.samples}


def test_the_page_of_metrics_lists_them_all(client: FlaskClient, workspace: Workspace) -> None:
    listed = set(re.findall(r"^\| `(ihp_\w+)", (ROOT / "docs" / "metrics.md").read_text(), re.MULTILINE))
    names = exported(client, workspace)
    of_histograms = {name.removesuffix("_bucket") for name in names if name.endswith("_bucket")}
    parts = {f"{name}_{part}" for name in of_histograms for part in ("bucket", "sum", "count")}
    ours = {name for name in (names - parts) | of_histograms if not name.endswith("_created")}
    assert listed == ours


def test_the_dashboard_asks_for_metrics_that_there_are(client: FlaskClient, workspace: Workspace) -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    asked += [variable["query"] for variable in dashboard["templating"]["list"] if variable["type"] == "query"]
    named = {name for expression in asked for name in re.findall(r"\bihp_\w+", expression)}
    names = exported(client, workspace)
    assert named <= names
    # Whatever is counted is also shown.
    unseen = {name for name in names - named if not name.endswith(("_sum", "_count", "_created", "_bucket"))}
    assert unseen == set()
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
