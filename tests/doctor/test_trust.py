"""Where the doctor shows a credential: this machine and what the operator named, whatever Label Studio says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ihp_backend.doctor import case as case_module
from ihp_backend.doctor.case import Case, listening_at
from ihp_backend.server.credentials import Credential
from ihp_backend.server.server_settings import ServerSettings

ALL = Credential("label studio", "s" * 20, frozenset({"predict", "teach", "look"}))


HERE, NAMED = "http://127.0.0.1:9090", "https://backend.example/ihp"


@pytest.mark.parametrize(
    ("expected", "url", "trusted"),
    [
        (HERE, "http://127.0.0.1:9090", True),
        (HERE, "http://localhost:9090", True),
        (HERE, "http://localhost:9091", False),  # Another program of this machine.
        (HERE, "http://backend:9090", False),  # An address that only Label Studio's record names.
        (HERE, "http://127.0.0.1:9090@example.com", False),
        (HERE, "http://127.0.0.1.example.com:9090", False),
        (NAMED, "https://backend.example/ihp", True),
        (NAMED, "http://backend.example:81/ihp", False),
        (NAMED, "https://backend.example:9090/ihp", False),
        (NAMED, "http://127.0.0.1:9090", False),
    ],
)
def test_a_credential_goes_to_the_expected_backend_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expected: str, url: str, trusted: bool
) -> None:
    case = Case(ServerSettings(data_dir=tmp_path, credentials=(ALL,)), None, expected, backend_named=expected == NAMED)
    case.backend_url = url  # As the examination does with what it finds connected.
    sent: list[str | None] = []

    def call(*_: Any, authorization: str | None, **__: Any) -> None:
        sent.append(authorization)

    monkeypatch.setattr(case_module, "call", call)
    case.ask("POST", f"{url}/setup")
    assert case.trusts(url) == bool(case.login(url)) == bool(case.header(url)) == (sent != [None]) == trusted
    case.ask("GET", f"{url}/health")
    assert sent[1] is None  # It needs none.


def test_where_a_server_listens() -> None:
    assert listening_at(ServerSettings(host="0.0.0.0", port=9090)) == HERE
    assert listening_at(ServerSettings(host="::1", port=0), 9091) == "http://[::1]:9091"
    assert listening_at(ServerSettings(host="192.168.1.5", port=9090)) == "http://192.168.1.5:9090"
