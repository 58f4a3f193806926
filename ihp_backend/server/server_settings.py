"""ServerSettings: where the server listens and how much it takes, besides what ``BackendSettings`` says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ihp_backend.label_studio.backend_settings import BackendSettings, SettingsError
from ihp_backend.label_studio.whole_numbers import whole_numbers
from ihp_backend.server.credentials import Credential, read_credentials
from ihp_backend.server.log_lines import LOG_FORMATS

_NUMBERS = {
    "port": "IHP_PORT",
    "workers": "IHP_WORKERS",
    "threads": "IHP_THREADS",
    "timeout": "IHP_TIMEOUT",
    "click_seconds": "IHP_CLICK_SECONDS",
    "max_body_mebibytes": "IHP_MAX_BODY_MEBIBYTES",
}
_OPTIONS = frozenset(("port", "workers", "threads"))
"""Those of them that are options of ``ihp serve``, too."""


@dataclass(frozen=True)
class ServerSettings(BackendSettings):
    """The server's settings at its start; ``from_environment`` also reads IHP_HOST, IHP_PORT, IHP_WORKERS,
    IHP_THREADS, IHP_TIMEOUT, IHP_CLICK_SECONDS, IHP_MAX_BODY_MEBIBYTES, IHP_CREDENTIALS_FILE,
    IHP_CERTIFICATE_FILE, IHP_KEY_FILE and IHP_LOG_FORMAT.

    Attributes:
        host, port: where to listen; port 0 takes any free one.
        workers: processes; each has its own model and opens photographs for itself, so one is right for click work.
        threads: requests a worker has in hand at once; a third of them at most are clicks, and a third pre-annotations.
        click_seconds: time for a photograph to come and be opened for a click; after it the click is refused.
        timeout: seconds after which a worker that does not move is replaced.
        max_body_mebibytes: largest request body; Label Studio sends all masks of a task with every click.
        credentials: who may do what; none: whoever reaches the server may do everything.
        without_credentials: whether it may do without credentials where other machines reach it.
        certificate: PEM file of the server's certificate, with those between it and a CA; None: http, without TLS.
        key: PEM file of the certificate's private key; None: it is in the certificate's file.
        log_format: of ``LOG_FORMATS``.

    Raises:
        SettingsError: a number out of range, an unknown format, or settings that contradict each other.
    """

    host: str = "127.0.0.1"
    port: int = 9090
    workers: int = 1
    threads: int = 192
    click_seconds: int = 30
    timeout: int = 120
    max_body_mebibytes: int = 256
    credentials: tuple[Credential, ...] = field(default=(), repr=False)
    without_credentials: bool = False
    certificate: Path | None = None
    key: Path | None = None
    log_format: str = "text"

    def __post_init__(self) -> None:
        for name, least, most in (
            ("port", 0, 65535),
            ("workers", 1, 256),
            ("threads", 1, 1024),
            ("timeout", 1, 86400),
            ("click_seconds", 1, 86400),
            ("max_body_mebibytes", 1, 1 << 20),
        ):
            value = getattr(self, name)
            if not least <= value <= most:
                option = f" (--{name})" if name in _OPTIONS else ""
                raise SettingsError(f"{_NUMBERS[name]}{option}: {value} is out of range; choose {least} to {most}")
        if self.log_format not in LOG_FORMATS:
            raise SettingsError(
                f"IHP_LOG_FORMAT (--log-format): {self.log_format!r} is unknown; choose {' or '.join(LOG_FORMATS)}"
            )
        if self.credentials and self.without_credentials:
            raise SettingsError(
                "IHP_WITHOUT_CREDENTIALS (--without-credentials): IHP_CREDENTIALS_FILE is set, too; leave one of "
                "them out"
            )
        if self.key and not self.certificate:
            raise SettingsError(
                f"IHP_KEY_FILE (--key): {self.key} is given without a certificate; give that with "
                "IHP_CERTIFICATE_FILE (--certificate)"
            )
        super().__post_init__()

    @classmethod
    def _from_variables(cls, variables: Mapping[str, str]) -> dict[str, Any]:
        values = super()._from_variables(variables)
        named = (("host", "IHP_HOST"), ("log_format", "IHP_LOG_FORMAT"))
        values |= {name: text for name, variable in named if (text := variables.get(variable, "").strip())}
        if file := variables.get("IHP_CREDENTIALS_FILE", "").strip():
            values["credentials"] = read_credentials(Path(file))
        for name, variable in (("certificate", "IHP_CERTIFICATE_FILE"), ("key", "IHP_KEY_FILE")):
            if file := variables.get(variable, "").strip():
                values[name] = Path(file)
        return {**values, **whole_numbers(variables, _NUMBERS)}
