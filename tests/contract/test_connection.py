"""Connecting the backend to a project, and what Label Studio then tells it."""

from __future__ import annotations

import pytest

from examples.demo import project as demo_project

from .installation import COAT, FACE, Installation, Project, eventually
from .regions import click

pytestmark = pytest.mark.label_studio


def test_the_backend_is_connected_for_interactive_use_with_its_webhook(
    installation: Installation, project: Project
) -> None:
    [backend] = project.client.backends(project.id)
    assert (backend["url"], backend["state"], backend["is_interactive"]) == (installation.backend_url, "CO", True)
    [webhook] = project.client.webhooks(project.id)
    assert (webhook["url"], webhook["is_active"]) == (f"{installation.backend_url}/webhook", True)


def test_connecting_again_changes_nothing(installation: Installation, project: Project) -> None:
    webhooks = project.client.webhooks(project.id)
    again = demo_project.ensure_backend(project.client, project.id, installation.backend_url)
    assert again["id"] == project.backend
    assert project.client.webhooks(project.id) == webhooks


def test_a_lost_webhook_is_made_again(installation: Installation, project: Project) -> None:
    [webhook] = project.client.webhooks(project.id)
    project.client.change("DELETE", f"/api/webhooks/{webhook['id']}/")
    demo_project.ensure_backend(project.client, project.id, installation.backend_url)
    assert [hook["url"] for hook in project.client.webhooks(project.id)] == [webhook["url"]]


def test_a_saved_annotation_reaches_the_backend(installation: Installation, project: Project) -> None:
    before = installation.status()["events_recorded"]
    regions = project.click([click(FACE), click(COAT)])
    annotation = project.client.annotate(project.tasks[0]["id"], regions)
    assert eventually(lambda: installation.status()["events_recorded"] == before + 1)
    # Saving again is an event of its own.
    project.client.change("PATCH", f"/api/annotations/{annotation['id']}/", {"result": regions[:1]})
    assert eventually(lambda: installation.status()["events_recorded"] == before + 2)
