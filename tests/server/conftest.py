"""An application around the stand-ins."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ihp_backend.server.app import create_app
from ihp_backend.server.server_settings import ServerSettings

from .stand_in import StandInImages, StandInParser


@pytest.fixture
def parser() -> StandInParser:
    return StandInParser()


@pytest.fixture
def images() -> StandInImages:
    return StandInImages()


@pytest.fixture
def app(tmp_path: Path, parser: StandInParser, images: StandInImages) -> Flask:
    settings = ServerSettings(data_dir=tmp_path / "data", max_body_mebibytes=1)
    return create_app(cast(Any, parser), settings, images=cast(Any, images))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
