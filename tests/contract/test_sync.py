"""What the real Label Studio lists, and what its webhooks tell, come to the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from examples.demo.settings import PHOTOGRAPHS
from ihp_backend.annotation_store.event_inbox import EventInbox
from ihp_backend.annotation_store.store import AnnotationStore
from ihp_backend.finetuning.accepted_set import AcceptedSet
from ihp_backend.finetuning.ingest import ingest, sync
from ihp_backend.finetuning.photograph_store import PhotographStore
from ihp_backend.label_studio.api.client import LabelStudio
from ihp_backend.label_studio.web.image_settings import ImageSettings
from ihp_backend.label_studio.web.images import ImageSource

from .installation import COAT, FACE, Installation, Project, eventually
from .regions import click


def test_listed_and_told_come_to_the_same(
    installation: Installation, make_project: Callable[[list[Path]], Project], tmp_path: Path
) -> None:
    project = make_project([PHOTOGRAPHS / "grace_hopper.jpg", PHOTOGRAPHS / "eileen_collins.jpg"])
    client, before = project.client, installation.status()["events_recorded"]
    kept = client.annotate(project.tasks[0]["id"], project.click([click(FACE), click(COAT)]))
    gone = client.annotate(project.tasks[1]["id"], project.click([click(FACE, (512, 512))], project.tasks[1]["id"]))
    client.change("DELETE", f"/api/annotations/{gone['id']}/")
    assert eventually(lambda: installation.status()["events_recorded"] == before + 3)

    key = str(project.id)
    listed, told = AnnotationStore(tmp_path / "listed.sqlite"), AnnotationStore(tmp_path / "told.sqlite")
    settings = ImageSettings(label_studio_url=client.url, label_studio_api_key=installation.account.token)
    api = LabelStudio(settings)
    sync(api, listed, key)
    ingest(EventInbox(installation.folder / "backend" / "events.sqlite"), told)
    assert [annotation.id for annotation in listed.current(key)] == [kept["id"]]
    # Only who heard the clicks knows how many there were.
    (of_list,), (of_events,) = listed.current(key), told.current(key)
    assert json.loads(of_events.content)["clicks"] == 2
    assert of_events == replace(of_list, content=of_list.content.replace('"clicks":null', '"clicks":2'))
    assert told.config(key) == listed.config(key)
    # The first list was asked for after the deletion; asking again finds nothing new.
    assert sync(api, told, key) == 0

    images = ImageSource(settings)
    accepted = AcceptedSet(tmp_path / "accepted", PhotographStore(tmp_path / "photographs"))
    index = accepted.update(told, key, lambda address, task: images.fetch(address, task_id=task))
    assert index.left_out == {}
    (item,) = index.items
    label_map = accepted.label_map(item)
    assert label_map.shape == accepted.photograph(item).shape[:2] == (600, 512)
    for name, x, y in (FACE, COAT):
        assert label_map[round(y * 6), round(x * 5.12)] == index.labels.id_of(name)
