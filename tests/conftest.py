"""Fixtures that several rooms' tests share."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import hypothesis
import numpy as np
import pytest
from PIL import Image
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

    from tests.live_exports import LiveExports
    from tests.postgresql_server import PostgresqlServer

# On a busy machine an example may take any time; that is no fault of what is tested.
hypothesis.settings.register_profile("busy machine", deadline=None)
hypothesis.settings.load_profile("busy machine")


CONTRACT = "tests/contract/"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that the other processes work meanwhile."""
    items.sort(key=lambda item: not item.nodeid.startswith(CONTRACT))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """With several processes each file goes to one of them, and all that share the real Label Studio to the same."""

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return CONTRACT if file.startswith(CONTRACT) else file

    return Scheduling(config, log)


@pytest.fixture(scope="session")
def ccp_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny data set in CCP's layout: striped people whose colours tell their labels."""
    root = tmp_path_factory.mktemp("ccp")
    (root / "images").mkdir()
    (root / "masks24").mkdir()
    rng = np.random.default_rng(0)
    split: dict[str, list[str]] = {"train": [], "val": []}
    for number in range(6):
        height, width = 150 + 10 * number, 80 + 5 * number
        parsing = np.zeros((height, width), np.uint8)
        left, right = width // 4, 3 * width // 4
        edges = np.linspace(5, height - 5, 6).astype(int)
        for label, top, bottom in zip((2, 13, 5, 9, 18), edges, edges[1:], strict=False):
            parsing[top:bottom, left:right] = label
        palette = rng.permutation(24 * 3).reshape(24, 3) * 3
        image = np.clip(palette[parsing] + rng.normal(0, 4, (height, width, 3)), 0, 255).astype(np.uint8)
        name = f"{number:04d}"
        Image.fromarray(image).save(root / "images" / f"{name}.jpg", quality=95)
        mask = Image.fromarray(parsing, mode="P")
        mask.putpalette(np.arange(256).repeat(3).astype(np.uint8).tobytes())
        mask.save(root / "masks24" / f"{name}.png")
        split["train" if number < 4 else "val"].append(name)
    (root / "split.json").write_text(json.dumps(split))
    return root


@pytest.fixture(scope="session")
def live_exports(tmp_path_factory: pytest.TempPathFactory) -> LiveExports:
    """Exports of live networks that share one graph, which is exported once in a run."""
    from tests.live_exports import LiveExports  # Needs torch, which not every installation has.

    of_process = tmp_path_factory.getbasetemp()
    of_run = of_process.parent if "PYTEST_XDIST_WORKER" in os.environ else of_process
    return LiveExports(of_run / "live-exports")


@pytest.fixture
def shared_live_exports(live_exports: LiveExports) -> Iterator[None]:
    """Model folders of live networks get their ONNX files from ``live_exports``."""
    with live_exports.in_use():
        yield


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """As it was before the test: whatever prepares a data folder closes this process's new files to others."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """A PostgreSQL server on loopback, one for each process of a run."""
    # What it stands on is not copied with these fixtures (tests/test_extending.py).
    from tests.postgresql_server import postgresql_server, programs

    if programs() is None:
        pytest.skip("PostgreSQL's initdb is not installed: apt-get install postgresql")
    # What a power failure would leave is nothing that a test could see.
    with postgresql_server("fsync=off") as server:
        yield server


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of a server of S3's protocol on loopback, with a bucket named ``ihp``."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@pytest.fixture
def s3_address(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty place in S3, which the environment says how to reach."""
    import s3fs

    for name, value in s3_environment(s3_server).items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    s3fs.S3FileSystem().mkdirs("ihp", exist_ok=True)
    yield f"s3://ihp/{uuid4().hex}"
    s3fs.S3FileSystem.clear_instance_cache()  # One that is kept would know this server without the variables.


def s3_environment(server: str) -> dict[str, str]:
    """Variables with which a process reaches the server."""
    return {
        "AWS_ENDPOINT_URL": server,
        "AWS_ACCESS_KEY_ID": "of-tests",
        "AWS_SECRET_ACCESS_KEY": "of-tests",
        "AWS_DEFAULT_REGION": "us-east-1",
    }


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def database_place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | URL:
    """Where a store's tables may be: a file, or a PostgreSQL database without tables."""
    if request.param == "SQLite":
        return tmp_path / "store.sqlite"
    server: PostgresqlServer = request.getfixturevalue("postgresql")
    return server.fresh()
