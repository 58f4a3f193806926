"""Servers for the tests of image fetching."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .image_server import ImageServer


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "requests_ca_bundle", "curl_ca_bundle"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def label_studio() -> Iterator[ImageServer]:
    with ImageServer() as server:
        yield server
        server.shutdown()


@pytest.fixture
def elsewhere() -> Iterator[ImageServer]:
    """Another server: same address, other port, hence another origin."""
    with ImageServer() as server:
        yield server
        server.shutdown()
