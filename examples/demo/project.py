"""Setting the project up, step by step; every step looks at what Label Studio has already and adds what is missing."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from examples.demo.client import LabelStudioUser
from ihp_backend.label_studio.api.client import Record

TITLE = "People"
BACKEND_TITLE = "IHP Backend"
MEDIA_TYPES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}

SETTINGS = {
    "description": "Click on a part of a person; the backend answers with the part's mask.",
    # On (the default), opening a task would ask for masks of all parts at once, and then clicks would select these
    # masks instead of placing keypoints.
    "show_collab_predictions": False,
}


def ensure_project(client: LabelStudioUser, label_config: str) -> Record:
    """The demonstration's project; made when it does not exist, never changed when it does."""
    for project in client.projects():
        if project["title"] == TITLE:
            return project
    return client.create_project(TITLE, label_config, **SETTINGS)


def upload_name(path: Path) -> str:
    """The name under which a photograph is uploaded: one that Label Studio keeps letter for letter.

    Label Studio drops letters it does not like and cuts long names, and two photographs must not end up with one
    name; so a name that has to be changed carries a checksum of the original one.
    """
    clean = re.sub(r"[^A-Za-z0-9._-]", "_", path.stem)[:40]
    if clean != path.stem:
        clean = f"{clean}-{zlib.crc32(path.name.encode()):08x}"
    return clean + path.suffix.lower()


def uploaded_name(task: Record) -> str:
    """The name a task's photograph was uploaded under; Label Studio puts eight letters and a dash in front."""
    name = PurePosixPath(str(task.get("data", {}).get("image", ""))).name
    return re.sub(r"^[0-9a-f]{8}-", "", name)


def missing_photographs(photographs: Sequence[Path], tasks: Iterable[Record]) -> list[Path]:
    """The photographs that no task shows yet, in the order given."""
    present = {uploaded_name(task) for task in tasks}
    return [path for path in photographs if upload_name(path) not in present]


def import_photograph(client: LabelStudioUser, project: int, path: Path) -> None:
    """Upload one photograph as one task."""
    media_type = MEDIA_TYPES.get(path.suffix.lower(), "application/octet-stream")
    client.upload(project, upload_name(path), path.read_bytes(), media_type)


def ensure_backend(client: LabelStudioUser, project: int, url: str) -> Record:
    """The project's interactive backend at ``url``, with its webhook; other ports of earlier starts are removed."""
    connected: Record | None = None
    for backend in client.backends(project):
        if backend["url"].rstrip("/") == url and backend.get("is_interactive"):
            connected = backend
        elif backend["title"] == BACKEND_TITLE:
            # Label Studio asks only the first interactive backend, so one at an old port would silence this one.
            client.change("DELETE", f"/api/ml/{backend['id']}")
    if connected is None:
        connected = client.connect_backend(project, url, BACKEND_TITLE)
    ensure_webhook(client, project, url)
    return connected


def ensure_webhook(client: LabelStudioUser, project: int, backend_url: str) -> None:
    """Exactly one webhook of the backend: without it no annotation reaches the backend.

    Label Studio makes it when a backend is connected, leaves it behind when the backend is removed, and does not
    make it again afterwards.
    """
    wanted = f"{backend_url}/webhook"
    present = False
    for webhook in client.webhooks(project):
        if webhook["url"] == wanted and webhook["is_active"] and not present:
            present = True
        elif re.fullmatch(r"http://127\.0\.0\.1:\d+/webhook", webhook["url"]):
            client.change("DELETE", f"/api/webhooks/{webhook['id']}/")
    if not present:
        client.create_webhook(project, wanted)
