from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ihp_backend.server.serve import serve
from ihp_backend.server.server_settings import ServerSettings, SettingsError


def test_defaults() -> None:
    settings = ServerSettings.from_environment({})
    assert (settings.host, settings.port, settings.workers, settings.threads) == ("127.0.0.1", 9090, 1, 192)
    assert (settings.timeout, settings.click_seconds, settings.max_body_mebibytes) == (120, 30, 256)
    assert (settings.scenes.memory_mebibytes, settings.scenes.file_mebibytes) == (48, 2048)
    assert (settings.batches.seconds, settings.batches.parallel) == (90, 4)
    assert settings.data_dir == Path.home() / ".local/share/ihp-backend"
    assert settings.images.cache_dir == settings.data_dir / "cache" / "images"
    assert not settings.images.allow_private_addresses


def test_arguments_beat_the_environment(tmp_path: Path) -> None:
    environment = {
        "IHP_PORT": "1234",
        "IHP_HOST": "::1",
        "IHP_DATA_DIR": str(tmp_path / "a"),
        "IHP_THREADS": "",
        "IHP_ENGINE": "torch",
        "IHP_LOG_FORMAT": "json",
    }
    settings = ServerSettings.from_environment(
        environment, port=4321, host=None, allow_private_addresses=True, local_files_root=tmp_path
    )
    assert (settings.port, settings.host, settings.threads) == (4321, "::1", 192)
    assert (settings.engine, settings.log_format) == ("torch", "json")
    assert settings.data_dir == tmp_path / "a"
    assert settings.images.cache_dir == tmp_path / "a" / "cache" / "images"
    assert settings.images.allow_private_addresses
    assert settings.images.local_files_root == tmp_path


@pytest.mark.parametrize(
    ("environment", "explicit", "text"),
    [
        ({"IHP_PORT": "many"}, {}, "IHP_PORT: 'many' is no whole number"),
        ({"IHP_PORT": "70000"}, {}, r"IHP_PORT \(--port\): 70000 is out of range; choose 0 to 65535"),
        ({}, {"workers": 0}, r"IHP_WORKERS \(--workers\): 0 is out of range"),
        ({}, {"threads": -1}, r"IHP_THREADS \(--threads\): -1 is out of range"),
        ({"IHP_BATCH_SECONDS": "long"}, {}, "IHP_BATCH_SECONDS: 'long' is no whole number"),
        ({"IHP_BATCH_SECONDS": "0"}, {}, "IHP_BATCH_SECONDS: 0 is out of range; choose 1 to 86400"),
        ({"IHP_BATCH_PARALLEL": "999"}, {}, "IHP_BATCH_PARALLEL: 999 is out of range; choose 1 to 64"),
        ({"IHP_SCENE_MEBIBYTES": "0"}, {}, "IHP_SCENE_MEBIBYTES: 0 is out of range; choose 1 to"),
        ({"IHP_SCENE_FILE_MEBIBYTES": "-1"}, {}, "IHP_SCENE_FILE_MEBIBYTES: -1 is out of range; choose 0 to"),
        ({"IHP_CLICK_SECONDS": "0"}, {}, "^IHP_CLICK_SECONDS: 0 is out of range; choose 1 to 86400"),
        ({"IHP_TIMEOUT": "-1"}, {}, "^IHP_TIMEOUT: -1 is out of range"),
        ({"IHP_MAX_BODY_MEBIBYTES": "9999999999"}, {}, "^IHP_MAX_BODY_MEBIBYTES: 9999999999 is out of range"),
        ({"IHP_ENGINE": "gpu"}, {}, r"IHP_ENGINE \(--engine\): 'gpu' is unknown; choose onnx or torch"),
        ({"IHP_DATA_DIR": "~no-such-user/x"}, {}, r"IHP_DATA_DIR \(--data-dir\): ~no-such-user/x begins with the home"),
        ({"IHP_STORAGE": "~no-such-user/x"}, {}, "IHP_STORAGE: ~no-such-user/x is no whole path"),
        ({"IHP_STORAGE": "s3://"}, {}, "IHP_STORAGE: s3:// names no place"),
        ({"IHP_STORAGE": "http://host/ihp"}, {}, "IHP_STORAGE: http://host/ihp can only be read; give an address"),
        ({"IHP_ALLOW_PRIVATE_ADDRESSES": "perhaps"}, {}, "IHP_ALLOW_PRIVATE_ADDRESSES"),
        ({}, {"local_files_root": Path("/nowhere/at/all")}, "IHP_LOCAL_FILES_ROOT"),
        ({"IHP_LOG_FORMAT": "xml"}, {}, r"IHP_LOG_FORMAT \(--log-format\): 'xml' is unknown; choose text or json"),
        ({"IHP_DATABASE": "mysql://here/x"}, {}, "IHP_DATABASE: mysql://here/x is not of PostgreSQL"),
        ({"IHP_STORAGE": "here"}, {}, "IHP_STORAGE: here is no whole path"),
    ],
)
def test_settings_that_cannot_be_used(environment: dict[str, str], explicit: dict[str, Any], text: str) -> None:
    with pytest.raises(SettingsError, match=text):
        ServerSettings.from_environment(environment, **explicit)


def test_what_machines_share_is_told_without_its_password(tmp_path: Path) -> None:
    environment = {"IHP_DATABASE": "postgresql://ihp:secret@here/ihp", "IHP_STORAGE": str(tmp_path)}
    settings = ServerSettings.from_environment(environment)
    assert settings.database is not None
    assert settings.database.password == "secret"
    assert settings.places.tables("events.sqlite") == settings.database
    assert settings.places.folder("models") == tmp_path / "models"
    assert settings.places.described().endswith(f", database postgresql+psycopg://ihp:***@here/ihp, storage {tmp_path}")
    assert "secret" not in repr(settings) + repr(settings.places)
    assert ServerSettings.from_environment({}).places.tables("x").name == "x"  # type: ignore[union-attr]


def test_the_data_folder_is_created(tmp_path: Path) -> None:
    folder = ServerSettings(data_dir=tmp_path / "deep" / "er").prepare_data_dir()
    assert folder.is_dir()
    assert list(folder.iterdir()) == []


def test_servers_of_the_same_process_number_may_share_a_data_folder(tmp_path: Path) -> None:
    # Threads stand for containers, in each of which the server may be process 7.
    settings = ServerSettings(data_dir=tmp_path)
    with ThreadPoolExecutor(8) as servers:
        list(servers.map(lambda _: settings.prepare_data_dir(), range(400)))
    assert list(tmp_path.iterdir()) == []


def test_a_data_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"^IHP_DATA_DIR .* cannot be written to .* give another folder"):
        ServerSettings(data_dir=tmp_path / "file" / "data").prepare_data_dir()


@pytest.mark.parametrize("host", ["a..b", "http://127.0.0.1", "256.1.1.1", "x" * 70])
def test_an_address_that_is_none_is_named(host: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^IHP_HOST \(--host\).*; choose"):
        serve(ServerSettings(host=host, port=0, data_dir=tmp_path))


def test_blanks_count_as_not_set() -> None:
    names = ("IHP_HOST", "IHP_PORT", "IHP_DATA_DIR", "IHP_ENGINE", "IHP_MODEL", "IHP_LOG_FORMAT", "IHP_STORAGE")
    assert ServerSettings.from_environment(dict.fromkeys(names, " ")) == ServerSettings.from_environment({})


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"127.0.0.1:{port} cannot be listened on"):
            serve(ServerSettings(port=port, data_dir=tmp_path))
