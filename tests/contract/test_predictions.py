"""Masks for clicks, masks for whole projects, and masks as they come back from Label Studio."""

from __future__ import annotations

import base64
import contextlib
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from examples.demo.project import TITLE, ensure_backend, ensure_project, missing_photographs
from examples.demo.proof import UPLOAD, click_once
from examples.demo.settings import LABELLING_CONFIG, PHOTOGRAPHS, photographs
from ihp_backend.label_studio.api.client import ApiError

from .installation import COAT, FACE, Installation, Project
from .regions import HOPPER, click, decoded, same_masks

pytestmark = pytest.mark.label_studio


def test_clicks_of_two_labels_are_both_answered(project: Project) -> None:
    regions = project.click([click(FACE), click(COAT)])
    assert {(region["original_width"], region["original_height"]) for region in regions} == {HOPPER}
    masks = decoded(regions)
    assert {"face", "coat"} <= masks.keys()
    for label, x, y in (FACE, COAT):
        mask = masks[label]
        assert mask.shape == (HOPPER[1], HOPPER[0])
        assert mask[int(y * HOPPER[1] / 100), int(x * HOPPER[0] / 100)], f"the click on {label} is not in its mask"
    assert not (masks["face"] & masks["coat"]).any()


def test_a_label_clicked_earlier_is_answered_again(project: Project) -> None:
    # The editor sends only the clicks of the label clicked last, and forgets every suggestion that is not repeated.
    project.click([click(FACE)])
    assert {"face", "coat"} <= decoded(project.click([click(COAT)])).keys()


def test_region_ids_are_stable(project: Project) -> None:
    def identifiers() -> dict[str, str]:
        regions = project.click([click(FACE), click(COAT)])
        return {region["value"]["brushlabels"][0]: region["id"] for region in regions}

    first = identifiers()
    assert identifiers() == first
    assert len(set(first.values())) == len(first)
    assert not set(first.values()) & {"click-face", "click-coat"}, "region ids must not be click ids"


def test_a_negative_click_keeps_its_pixel_out_of_the_mask(project: Project) -> None:
    forehead = ("face", 51.0, 27.0)
    negative = {**click(forehead, positive=False), "id": "not-here"}
    mask = decoded(project.click([click(FACE), negative]))["face"]
    assert mask.any()
    assert not mask[int(0.27 * HOPPER[1]), int(0.51 * HOPPER[0])]


def test_batch_predictions_are_stored_for_all_tasks(make_project: Callable[[list[Path]], Project]) -> None:
    project = make_project(photographs(PHOTOGRAPHS))
    project.client.retrieve_predictions(project.id)
    # Asking for the backends makes Label Studio ask the backend's /setup.
    [backend] = project.client.backends(project.id)
    for task in project.tasks:
        predictions = project.client.get("/api/predictions/", task=task["id"])
        assert [prediction["model_version"] for prediction in predictions] == [backend["model_version"]]
        assert decoded(predictions[0]["result"]), f"no mask for {task['data']['image']}"


def test_masks_survive_saving_and_export_pixel_for_pixel(project: Project) -> None:
    regions = project.click([click(FACE), click(COAT)])
    sent = decoded(regions)
    task = project.tasks[0]["id"]
    project.client.annotate(task, regions)
    [saved] = project.client.annotations(task)
    assert same_masks(decoded(saved["result"]), sent)
    [exported] = project.client.export(project.id)
    assert same_masks(decoded(exported["annotations"][0]["result"]), sent)


def test_a_rotated_photograph_is_answered_as_the_browser_shows_it(
    make_project: Callable[[list[Path]], Project], tmp_path: Path
) -> None:
    # Stored lying down, with the note "turn me" (EXIF orientation 6): browsers show it upright, 512x600.
    lying = tmp_path / "lying.jpg"
    with Image.open(PHOTOGRAPHS / "grace_hopper.jpg") as upright:
        note = Image.Exif()
        note[0x0112] = 6
        upright.transpose(Image.Transpose.ROTATE_90).save(lying, exif=note, quality=95)
    project = make_project([lying])
    masks = decoded(project.click([click(FACE)]))
    assert masks["face"].shape == (HOPPER[1], HOPPER[0])
    assert masks["face"][int(0.375 * HOPPER[1]), int(0.515 * HOPPER[0])]


def test_a_missing_image_does_not_spoil_the_others(project: Project) -> None:
    missing = project.client.create_task(project.id, f"/data/upload/{project.id}/00000000-nowhere.jpg")
    project.client.retrieve_predictions(project.id)
    [prediction] = project.client.get("/api/predictions/", task=project.tasks[0]["id"])
    assert decoded(prediction["result"])
    for empty in project.client.get("/api/predictions/", task=missing["id"]):
        assert empty["result"] == []
    # An error or nothing, as the editor shows neither; what counts is that the next click works.
    with contextlib.suppress(ApiError):
        assert project.click([click(FACE)], task=missing["id"]) == []
    assert "face" in decoded(project.click([click(FACE)]))


def test_an_image_inside_the_task_itself(project: Project) -> None:
    # data: addresses need no second request, and must work just the same.
    buffer = io.BytesIO()
    with Image.open(PHOTOGRAPHS / "grace_hopper.jpg") as image:
        image.resize((256, 300)).save(buffer, "JPEG")
    address = "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
    task = project.client.create_task(project.id, address)
    masks = decoded(project.click([click(FACE, size=(256, 300))], task=task["id"]))
    assert masks["face"].shape == (300, 256)


def test_the_demonstration_can_be_set_up_in_this_installation(installation: Installation) -> None:
    client = installation.client
    record = ensure_project(client, LABELLING_CONFIG.read_text())
    assert ensure_project(client, "")["id"] == record["id"]
    assert record["title"] == TITLE
    wanted = photographs(PHOTOGRAPHS)
    assert missing_photographs(wanted, client.tasks(record["id"])) == wanted
    backend = ensure_backend(client, record["id"], installation.backend_url)
    proof = click_once(client, record["id"], backend["id"], PHOTOGRAPHS / "grace_hopper.jpg", *FACE)
    assert proof.pixels > 0
    assert not [task for task in client.tasks(record["id"]) if UPLOAD in str(task["data"])]
