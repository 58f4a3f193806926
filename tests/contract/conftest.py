"""One real Label Studio and one real backend for all contract tests, and fresh projects in them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from examples.demo.settings import PHOTOGRAPHS

from .editor import Editor, browser_page, chromium
from .installation import LABEL_STUDIO_ENVIRONMENT, Installation, Project, bearer, new_project, running


def require_label_studio() -> None:
    """Skips the test where there is no Label Studio to test with; fails it in continuous integration."""
    if not (LABEL_STUDIO_ENVIRONMENT / "bin" / "label-studio").exists():
        reason = f"{LABEL_STUDIO_ENVIRONMENT.name} does not exist, so there is no Label Studio to test with: make test"
        if os.environ.get("CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Label Studio and the backend, on free ports, with data of their own; stopped at the end of the session."""
    require_label_studio()
    with running(tmp_path_factory.mktemp("label-studio")) as installation:
        yield installation


@pytest.fixture
def personal_access_token(installation: Installation) -> Iterator[str]:
    """A personal access token of the user, at a time when Label Studio takes no legacy tokens."""
    client = installation.client
    client.post("/api/jwt/settings", {"api_tokens_enabled": True, "legacy_api_tokens_enabled": True})
    token = client.post("/api/token/", {})["token"]
    client.post("/api/jwt/settings", {"api_tokens_enabled": True, "legacy_api_tokens_enabled": False})
    yield token
    settings = {"api_tokens_enabled": True, "legacy_api_tokens_enabled": True}
    bearer(client, token).post("/api/jwt/settings", settings)
    # A user has one at a time.
    client.post("/api/token/blacklist/", {"refresh": token})


@pytest.fixture
def project(installation: Installation) -> Project:
    """A fresh project with one photograph, connected to the backend."""
    return new_project(installation, [PHOTOGRAPHS / "grace_hopper.jpg"])


@pytest.fixture
def make_project(installation: Installation) -> Callable[[list[Path]], Project]:
    """Makes a fresh, connected project from photographs."""
    return lambda photographs: new_project(installation, photographs)


@pytest.fixture(scope="module")
def page(installation: Installation) -> Iterator[Page]:
    """A browser in which the annotator is logged in."""
    program = chromium()
    if program is None:
        pytest.skip("no Chromium on this machine, so the editor is not tested: apt install chromium, or IHP_CHROMIUM=…")
    with browser_page(program) as page:
        Editor(page, installation.client.url).log_in(installation.account)
        yield page


@pytest.fixture
def screenshots(tmp_path: Path) -> Path:
    """Where a failed test leaves what was on the screen; pytest keeps the last three of these folders."""
    return tmp_path
