"""What `ihp parse` writes for Label Studio, imported into the real one and seen in its editor."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page

from examples.demo.settings import PHOTOGRAPHS
from ihp_backend.label_studio.config.config_writer import Masks, labelling_config
from ihp_backend.label_studio.masks.mask_regions import mask_regions
from ihp_backend.labels import CCP
from tests.label_studio.image_server import ImageServer, sends

from .editor import Editor
from .installation import Installation

pytestmark = pytest.mark.label_studio
NAMES = ("day 1/eileen.jpg", "day 2/eileen.jpg")


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Two of one name, of different sizes."""
    folder = tmp_path / "photographs"
    with Image.open(PHOTOGRAPHS / "eileen_collins.jpg") as whole:
        for name, size in zip(NAMES, ((256, 256), (400, 400)), strict=True):
            (folder / name).parent.mkdir(parents=True)
            whole.resize(size).save(folder / name)
    return folder


@pytest.fixture
def server(photographs: Path) -> Iterator[ImageServer]:
    with ImageServer() as server:
        for name in NAMES:
            # The editor's page is of another server, and reads the pixels.
            answer = sends((photographs / name).read_bytes(), "image/jpeg", Access_Control_Allow_Origin="*")
            server.routes[f"/{name}".replace(" ", "%20")] = answer
        yield server
        server.shutdown()


@pytest.mark.parametrize("masks", ["BrushLabels", "BitmaskLabels", "PolygonLabels"])
def test_imported_predictions_are_seen(
    page: Page, installation: Installation, photographs: Path, server: ImageServer, tmp_path: Path, masks: Masks
) -> None:
    config, out = tmp_path / "config.xml", tmp_path / "out"
    config.write_text(labelling_config(CCP, masks=masks))
    command = ["parse", photographs, "--out", out, "--write", "json,label-studio", "--config", config]
    done = subprocess.run(
        [sys.executable, "-m", "ihp_backend.cli", *map(str, command), "--image-root", server.url],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "2 tasks to import" in done.stdout
    client = installation.client
    text = (out / "labelling-config.xml").read_text()
    project = client.create_project(f"Parsed {masks}", text, show_collab_predictions=True)["id"]
    client.upload(project, "label-studio.json", (out / "label-studio.json").read_bytes(), "application/json")
    version = json.loads((out / "settings.json").read_text())["model_version"]
    client.change("PATCH", f"/api/projects/{project}/", {"model_version": version})
    tasks = {task["data"]["image"]: task["id"] for task in client.tasks(project, fields="all")}
    assert len(tasks) == 2
    for name in NAMES:
        task = tasks[f"{server.url}/{name}".replace(" ", "%20")]
        [prediction] = client.get("/api/predictions/", task=task)
        assert prediction["model_version"] == version
        found = {region.label for region in mask_regions(prediction["result"]) if region.mask().any()}
        record = json.loads((out / "json" / name).with_suffix(".json").read_text())
        labels = {one["name"] for one in record["labels"]} - {"background"}
        assert {"face", "hair"} <= found == labels
        # Whoever opens the task has them in hand.
        editor = Editor(page, client.url)
        editor.open(project, task)
        page.wait_for_function("() => Htx.annotationStore.selected.areas.size > 0")
        assert set(editor.labels(suggested=False)) == labels
