"""/status as people see it: a page that needs nothing from elsewhere."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ihp_backend.annotation_store.changes import Annotation, Configured
from ihp_backend.doctor.finding import Finding
from ihp_backend.finetuning.accepted_index import LEARNED, Index, Item
from ihp_backend.finetuning.workspace import Workspace
from ihp_backend.labels import LabelSet
from ihp_backend.server.doctor_findings import FRESH, DoctorFindings
from ihp_backend.server.state import EXTENSION
from tests.contract.installation import eventually

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
PROOF = {"measure": "mIoU <b>", "before": 70.0, "after": 75.0, "better": 0.97, "passed": True}


@pytest.fixture
def workspace(app: Flask, tmp_path: Path) -> Workspace:
    """A project that has learned once and is learning again."""
    workspace = Workspace(tmp_path / "data")
    workspace.annotation_store.take(1, [Configured("2", "<View/>"), Annotation("2", 5, 3, "1", 1.0, False, "{}")])
    with workspace.versions.making("2", "0001-ab") as folder:
        gate = {"passed": True, "reason": "better: mIoU", "proofs": [PROOF], "conditions": [], "photographs": 12}
        (folder / "gate.json").write_text(json.dumps(gate))
        (folder / "pictures").mkdir()
        (folder / "pictures" / "0.jpg").write_bytes(b"a picture")
    workspace.versions.promote("2", "0001-ab", "gate")
    return workspace


def test_a_program_gets_json_and_a_browser_a_page(client: FlaskClient, workspace: Workspace) -> None:
    with workspace.progress("2").job("20 photographs new or changed") as job:
        assert job is not None
        job.tell(stage="training", step=30, steps=120, loss=0.5)
        (workspace.job_folder("2") / "losses.csv").write_text("step,loss\n1,2.0\n2,1.5\n3,1.0\n")
        told = client.get("/status").get_json()["projects"]["2"]
        page = client.get("/status", headers=BROWSER)
    assert (told["annotations"], told["serving"], told["versions"]) == (1, "0001-ab", ["0001-ab"])
    assert (told["lesson"]["state"], told["lesson"]["step"]) == ("running", 30)
    assert told["last_gate"]["version"] == "0001-ab"
    assert page.mimetype == "text/html"
    text = page.get_data(as_text=True)
    assert "30 of 120" in text
    assert "Gate of 0001-ab" in text
    # Three steps, evenly across and down, and the strong line behind them.
    assert 'class="each" points="46.0,16.0 338.0,87.0 630.0,158.0"' in text
    assert 'class="mean" points="46.0,16.0 338.0,51.5 630.0,122.5"' in text
    assert re.findall(r'text-anchor="end">([\d.]+)<', text) == ["2", "1.5", "1"]
    assert re.findall(r'text-anchor="middle">([\d.]+)<', text) == ["1", "2", "3"]
    assert "data:image/jpeg;base64,YSBwaWN0dXJl" in text
    assert "mIoU &lt;b&gt;" in text
    # Nothing is fetched from anywhere.
    assert not re.findall(r'(?:src|href)="(?!data:)', text)
    assert "http" not in text.replace("http-equiv", "")


def test_each_measure_of_a_gate_has_one_row_that_says_better_or_worse(
    client: FlaskClient, workspace: Workspace
) -> None:
    def compared(measure: str, passed: bool, better: float | None = None) -> dict[str, object]:
        return {"measure": measure, "before": 1.0, "after": 2.0, "better": better, "passed": passed}

    gate = {
        "passed": False,
        "reason": "worse: seconds",
        "proofs": [compared("corrections", False, 0.5), compared("mIoU", True, 0.99), compared("alone", False, 0.1)],
        "conditions": [compared("corrections", True), compared("mIoU", True), compared("alone", False),
                       compared("seconds", False), compared("obeyed", True)],
    }  # fmt: skip
    (workspace.versions.folder("2", "0001-ab") / "gate.json").write_text(json.dumps(gate))
    measures = client.get("/status").get_json()["projects"]["2"]["last_gate"]["measures"]
    assert {one["measure"]: (one["better"], one["verdict"]) for one in measures} == {
        "corrections": (0.5, "no worse"),
        "mIoU": (0.99, "better"),
        "alone": (0.1, "worse"),
        "seconds": (None, "worse"),
        "obeyed": (None, "no worse"),
    }
    page = client.get("/status", headers=BROWSER).get_data(as_text=True)
    assert [page.count(f"<td>{measure}</td>") for measure in ("corrections", "mIoU", "seconds")] == [1, 1, 1]


def test_annotators_and_labels_have_figures(client: FlaskClient, workspace: Workspace) -> None:
    workspace.annotation_store.take(2, [Annotation("2", 6, 4, "1", 2.0, False, "{}")])
    workspace.annotation_store.take(3, [Annotation("2", 7, 5, "2", 2.0, False, "{}")])

    def item(annotation: int, seconds: float, clicks: int | None, shares: dict[str, float]) -> Item:
        return Item(
            annotation, "s", "p", LEARNED, "m", (annotation,), seconds, clicks, None, 0.5, (), shares=shares
        )  # fmt: skip

    items = (item(5, 10, 4, {"hat": 0.1}), item(6, 30, None, {"hat": 0.3, "coat": 0.4}), item(7, 7, 1, {}))
    folder = workspace.accepted("2").folder
    folder.mkdir(parents=True)
    (folder / "index.json").write_text(json.dumps(Index(LabelSet(("background", "hat", "coat")), items).to_json()))
    told = client.get("/status").get_json()["projects"]["2"]
    assert told["annotators"] == [
        {"annotator": "1", "annotations": 2, "seconds": 20.0, "clicks": 4, "untouched": 0.5},
        {"annotator": "2", "annotations": 1, "seconds": 7, "clicks": 1, "untouched": 0.5},
    ]
    assert told["labels"] == [
        {"label": "hat", "photographs": 2, "share": 0.2},
        {"label": "coat", "photographs": 1, "share": 0.4},
    ]
    page = client.get("/status", headers=BROWSER).get_data(as_text=True)
    assert '<td>hat</td><td class="number">2</td><td class="number">20.0 %</td>' in page


def test_the_doctor_looks_while_somebody_looks(app: Flask, client: FlaskClient) -> None:
    asked: list[int] = []
    may_end = threading.Event()

    def examine(port: int) -> list[dict[str, Any]]:
        asked.append(port)
        may_end.wait(30)
        if len(asked) == 2:
            raise RuntimeError("stumbled")
        found = Finding("webhook", "error", "there is <none>", "add it", "project 9"), Finding("token", "ok", "works")
        return [finding.to_json() for finding in found]

    clock = [0.0]
    findings = DoctorFindings(examine, lambda: clock[0])
    state = app.extensions[EXTENSION]
    app.extensions[EXTENSION] = replace(state, doctor=findings)

    def page() -> str:
        return client.get("/status", headers=BROWSER).get_data(as_text=True)

    def ended() -> bool:
        return not any(thread.name == "doctor" for thread in threading.enumerate())

    client.get("/status")
    assert asked == []  # A program does not cause it.
    assert "looks at Label Studio and the projects now" in page()
    page()
    assert asked == [80]  # One at a time.
    may_end.set()
    assert eventually(ended)
    assert "there is &lt;none&gt;" in page()
    assert len(asked) == 1
    clock[0] = FRESH
    page()
    assert eventually(ended)
    assert "it ended with RuntimeError" in page()


def test_without_label_studio_the_doctor_has_nothing_to_look_at(client: FlaskClient) -> None:
    assert "where LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY are set" in client.get("/status", headers=BROWSER).text


def test_several_projects_are_listed_with_a_link_to_each(client: FlaskClient, workspace: Workspace) -> None:
    workspace.annotation_store.take(2, [Annotation("3", 6, 4, "1", 2.0, False, "{}")])
    workspace.annotation_store.take(3, [Annotation("<b>&", 7, 5, "1", 2.0, False, "{}")])
    with workspace.progress("2").job("20 photographs new or changed") as job:
        assert job is not None
        job.tell(stage="training", step=30, steps=120)
        page = client.get("/status", headers=BROWSER).text
        one = client.get("/status?project=2", headers=BROWSER).text
    assert re.findall(r'<a href="([^"]+)">([^<]+)</a>', page) == [
        ("?project=2", "2"), ("?project=3", "3"), ("?project=%3Cb%3E%26", "&lt;b&gt;&amp;"),
    ]  # fmt: skip
    assert "0001-ab" in page
    assert "running, 30 of 120" in page
    assert "Gate of 0001-ab" not in page
    assert "Gate of 0001-ab" in one
    assert re.findall(r"<h2>(.*)</h2>", one) == ["Project 2", "Doctor"]
    assert '<a href="?">All projects</a>' in one
    # A program gets them all, whichever it asks for.
    assert len(client.get("/status?project=2").get_json()["projects"]) == 3


def test_a_project_of_which_nothing_was_heard_is_told_so(client: FlaskClient, workspace: Workspace) -> None:
    page = client.get("/status?project=<9>", headers=BROWSER).text
    assert "<h2>Project &lt;9&gt;</h2>" in page
    assert "Nothing was heard of it yet." in page


def test_what_is_damaged_is_said(client: FlaskClient, workspace: Workspace) -> None:
    (workspace.versions.folder("2") / "promotions.json").write_text("[{")
    told = client.get("/status").get_json()["projects"]["2"]
    assert "promotions.json cannot be read" in told["error"]
    assert "promotions.json cannot be read" in client.get("/status", headers=BROWSER).get_data(as_text=True)


def test_a_fresh_page(client: FlaskClient) -> None:
    assert "Nothing has been annotated yet" in client.get("/status", headers=BROWSER).get_data(as_text=True)
