"""/status as people see it: a page that needs nothing from elsewhere."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ihp_backend.annotation_store.changes import Annotation, Configured
from ihp_backend.finetuning.workspace import Workspace

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
    assert 'points="0.0,0.0 300.0,60.0 600.0,120.0"' in text
    assert "data:image/jpeg;base64,YSBwaWN0dXJl" in text
    assert "mIoU &lt;b&gt;" in text
    # Nothing is fetched from anywhere.
    assert not re.findall(r'(?:src|href)="(?!data:)', text)
    assert "http" not in text.replace("http-equiv", "")


def test_what_is_damaged_is_said(client: FlaskClient, workspace: Workspace) -> None:
    (workspace.versions.folder("2") / "promotions.json").write_text("[{")
    told = client.get("/status").get_json()["projects"]["2"]
    assert "promotions.json cannot be read" in told["error"]
    assert "promotions.json cannot be read" in client.get("/status", headers=BROWSER).get_data(as_text=True)


def test_a_fresh_page(client: FlaskClient) -> None:
    assert "Nothing has been annotated yet" in client.get("/status", headers=BROWSER).get_data(as_text=True)
