"""Where the server listens without credentials, and with which certificate."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from ihp_backend.doctor.backend import backend
from ihp_backend.doctor.case import Case, listening_at
from ihp_backend.label_studio.backend_settings import SettingsError
from ihp_backend.server import serve as serving
from ihp_backend.server.credentials import Credential
from ihp_backend.server.serve import serve
from ihp_backend.server.server_settings import ServerSettings
from tests.label_studio.trouble_servers import Place

from .test_serve import ROOT, start

SOMEBODY = Credential("somebody", "s" * 20, frozenset({"predict"}))
EVERYWHERE = "0.0.0.0"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with ExitStack() as stack:
        yield Place(tmp_path, stack)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[ServerSettings]:
    """The settings of servers that would have begun to answer."""
    begun: list[ServerSettings] = []

    class Application:
        def __init__(self, settings: ServerSettings, listening: object, examine: object) -> None:
            begun.append(settings)

        def run(self) -> None:
            pass

    monkeypatch.setattr(serving, "Application", Application)
    return begun


def test_other_machines_are_not_answered_without_credentials(tmp_path: Path, served: list[ServerSettings]) -> None:
    with pytest.raises(SettingsError, match=r"0\.0\.0\.0 is reached from other machines") as refused:
        serve(ServerSettings(port=0, data_dir=tmp_path, host=EVERYWHERE))
    for remedy in ("ihp credentials", "IHP_CREDENTIALS_FILE", "--host 127.0.0.1", "--without-credentials"):
        assert remedy in str(refused.value)
    assert not served


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (ServerSettings(port=0, host="127.0.0.1"), [(logging.INFO, "which is everybody on this machine")]),
        (ServerSettings(port=0, host="localhost"), [(logging.INFO, "which is everybody on this machine")]),
        (
            ServerSettings(port=0, host=EVERYWHERE, without_credentials=True),
            [(logging.WARNING, "no credentials"), (logging.WARNING, "no TLS")],
        ),
        (ServerSettings(port=0, host=EVERYWHERE, credentials=(SOMEBODY,)), [(logging.WARNING, "no TLS")]),
        (ServerSettings(port=0, credentials=(SOMEBODY,)), []),
    ],
)
def test_what_is_open_is_said(
    tmp_path: Path,
    served: list[ServerSettings],
    caplog: pytest.LogCaptureFixture,
    settings: ServerSettings,
    told: list[tuple[int, str]],
) -> None:
    object.__setattr__(settings, "data_dir", tmp_path)
    with caplog.at_level(logging.INFO):
        serve(settings)
    assert served == [settings]
    said = [record for record in caplog.records if record.name == serving.__name__]
    assert [record.levelno for record in said] == [level for level, _ in told]
    assert all(words in record.getMessage() for record, (_, words) in zip(said, told, strict=True))


def test_settings_that_contradict_each_other() -> None:
    with pytest.raises(SettingsError, match=r"^IHP_WITHOUT_CREDENTIALS .*: IHP_CREDENTIALS_FILE is set, too"):
        ServerSettings(credentials=(SOMEBODY,), without_credentials=True)
    with pytest.raises(SettingsError, match=r"IHP_KEY_FILE \(--key\): a\.key is given without a certificate"):
        ServerSettings(key=Path("a.key"))


def encrypted(place: Place) -> tuple[Path, Path]:
    made = place.certificate()
    key = made.with_suffix(".encrypted")
    command = f"openssl pkey -in {made.with_suffix('.key')} -aes256 -passout pass:secret -out {key}"
    subprocess.run(command.split(), check=True, capture_output=True)
    return made, key


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (lambda place: (place.folder / "none.pem", None), "^IHP_CERTIFICATE_FILE .*none.pem cannot be read"),
        (lambda place: (place.certificate(), place.folder / "none.key"), "^IHP_KEY_FILE .*none.key cannot be read"),
        (lambda place: (place.certificate(), None), "no certificate with its private key"),
        (lambda place: (place.certificate(), place.certificate()), "no certificate with its private key"),
        (
            lambda place: (place.certificate(), place.certificate("DNS:other.example").with_suffix(".key")),
            "the key is another certificate's",
        ),
        (encrypted, "has a passphrase; openssl pkey"),
    ],
)
def test_a_certificate_that_cannot_be_used_ends_before_anything_starts(
    place: Place, served: list[ServerSettings], files: Callable[[Place], tuple[Path, Path | None]], said: str
) -> None:
    certificate, key = files(place)
    with pytest.raises(SettingsError, match=said):
        serve(ServerSettings(port=0, data_dir=place.folder, certificate=certificate, key=key))
    assert not served


def test_https(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = place.certificate()
    key = certificate.with_suffix(".key")
    process = start(place.folder, "work", certificate=str(certificate), key=str(key))
    try:
        assert process.stderr is not None
        line = next(line for line in process.stderr if "listening on" in line)
        found = re.search(r"(https://127\.0\.0\.1:(\d+)),", line)
        assert found is not None
        url, port = found[1], int(found[2])
        assert requests.get(f"{url}/status", verify=str(certificate), timeout=10).status_code == 200
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(f"{url}/status", timeout=10)
        with pytest.raises(requests.ConnectionError):
            requests.get(f"http://127.0.0.1:{port}/status", timeout=10)
        # The doctor, and the container's health check.
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        settings = ServerSettings(data_dir=place.folder, port=port, certificate=certificate, key=key)
        assert listening_at(settings) == url
        levels = {finding.check: finding.level for finding in backend(Case(settings, None, url))}
        assert (levels["backend"], levels["setup"]) == ("ok", "ok")
        health = [sys.executable, str(ROOT / "docker" / "healthy.py")]
        variables = {"IHP_PORT": str(port), "IHP_CERTIFICATE_FILE": str(certificate)}
        assert subprocess.run(health, env=variables, timeout=60, check=False).returncode == 0
        del variables["IHP_CERTIFICATE_FILE"]
        assert subprocess.run(health, env=variables, timeout=60, check=False, capture_output=True).returncode == 1
    finally:
        process.terminate()
        process.wait(30)
    assert process.returncode == 0
