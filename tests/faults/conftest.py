"""An application around stand-ins, and a disk for the real server."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from flask.testing import FlaskClient

from ihp_backend.server.app import create_app
from ihp_backend.server.server_settings import ServerSettings
from tests.server.stand_in import StandInImages, StandInParser

from .serving import disk

__all__ = ["disk"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder."""
    return tmp_path / "data"


@pytest.fixture
def client(data: Path) -> FlaskClient:
    """Of an application around stand-ins."""
    settings = ServerSettings(data_dir=data)
    return create_app(cast(Any, StandInParser()), settings, images=cast(Any, StandInImages())).test_client()
