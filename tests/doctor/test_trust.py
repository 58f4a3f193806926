"""Where the doctor shows a credential: this machine and what the operator named, whatever Label Studio says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ihp_backend.doctor import case as case_module
from ihp_backend.doctor.case import Case
from ihp_backend.server.credentials import Credential
from ihp_backend.server.server_settings import ServerSettings

ALL = Credential("label studio", "s" * 20, frozenset({"predict", "teach", "look"}))


@pytest.mark.parametrize(
    ("url", "named", "trusted"),
    [
        ("http://127.0.0.1:9090", False, True),
        ("http://localhost:9091", False, True),
        ("http://backend:9090", True, True),
        ("http://backend:9090", False, False),  # An address that only Label Studio's record names.
        ("http://backend.example:9090", True, False),
        ("http://backend:9090@example.com", True, False),
        ("http://127.0.0.1.example.com:9090", False, False),
    ],
)
def test_a_credential_goes_to_trusted_addresses_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, named: bool, trusted: bool
) -> None:
    settings = ServerSettings(data_dir=tmp_path, credentials=(ALL,))
    case = Case(settings, None, "http://backend:9090", backend_named=named)
    sent: list[str | None] = []

    def call(*_: Any, authorization: str | None, **__: Any) -> None:
        sent.append(authorization)

    monkeypatch.setattr(case_module, "call", call)
    case.ask("POST", f"{url}/setup")
    assert case.trusts(url) == bool(case.login(url)) == bool(case.header(url)) == (sent != [None]) == trusted
    case.ask("GET", f"{url}/health")
    assert sent[1] is None  # It needs none.
