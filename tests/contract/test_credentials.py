"""A backend that wants credentials: the doctor gives them to the real Label Studio, then clicks and events arrive."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from examples.demo.settings import PHOTOGRAPHS
from ihp_backend.doctor.case import Case
from ihp_backend.doctor.examination import examine_servers, mend
from ihp_backend.label_studio.api.client import LabelStudio
from ihp_backend.server.server_settings import ServerSettings

from .installation import FACE, Installation, Project, another_backend, eventually

pytestmark = pytest.mark.label_studio

SECRET = "0123456789abcdef0123"


def test_the_doctor_gives_label_studio_its_credential(
    installation: Installation,
    make_project: Callable[[list[Path]], Project],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "credentials.json"
    file.write_text(json.dumps({"label studio": {"secret": SECRET, "rights": ["predict", "teach", "look"]}}))
    monkeypatch.setenv("IHP_CREDENTIALS_FILE", str(file))
    project = make_project([PHOTOGRAPHS / "grace_hopper.jpg"])
    client = project.client
    client.change("DELETE", f"/api/ml/{project.backend}")
    with another_backend(installation, tmp_path / "guarded", ["--no-fine-tuning"]) as url:
        assert requests.get(f"{url}/status", timeout=10).status_code == 401
        variables = {
            "IHP_CREDENTIALS_FILE": str(file),
            "LABEL_STUDIO_URL": client.url,
            "LABEL_STUDIO_API_KEY": client.token,
        }
        settings = ServerSettings.from_environment(variables)

        def case() -> Case:
            return Case(settings, LabelStudio(settings.images, pauses=()), url, project.id, backend_named=True)

        before = [finding for finding in examine_servers(case(), with_photographs=False) if finding.level == "error"]
        assert any(finding.check == "connection" for finding in before)
        changes = mend(case())
        assert changes
        assert not any(change.refused for change in changes)
        assert SECRET not in repr(changes)
        left = [finding for finding in examine_servers(case(), with_photographs=False) if finding.level == "error"]
        assert [finding for finding in left if finding.check in ("connection", "webhook", "backend", "setup")] == []
        (backend,) = client.backends(project.id)
        answer = client.predict_interactively(backend["id"], project.tasks[0]["id"], [click()])
        assert [region["value"]["brushlabels"] for region in answer["result"]] == [["face"]]
        client.post(f"/api/tasks/{project.tasks[0]['id']}/annotations/", {"result": answer["result"]})
        shown = {"Authorization": f"Bearer {SECRET}"}

        def recorded() -> bool:
            return requests.get(f"{url}/status", headers=shown, timeout=10).json()["events_recorded"] > 0

        assert eventually(recorded)


def click() -> dict[str, object]:
    label, x, y = FACE
    value = {"x": x, "y": y, "width": 0.2, "keypointlabels": [label]}
    return {
        "id": "c", "type": "keypointlabels", "from_name": "click", "to_name": "image", "is_positive": True,
        "original_width": 512, "original_height": 600, "image_rotation": 0, "value": value,
    }  # fmt: skip
