"""Case: what is examined."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ihp_backend.doctor.calling import NoAnswer, call
from ihp_backend.label_studio.api.client import LabelStudio, Record
from ihp_backend.label_studio.web.http_answer import Answer
from ihp_backend.server.credentials import PREDICT, RIGHTS, TEACH, Credential
from ihp_backend.server.server_settings import ServerSettings

OWN_CLASS = "IHPBackend"
"""What ``/health`` of this backend calls itself."""

REACHED = "CO"
"""The state of a backend that Label Studio reaches."""

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass
class Case:
    """An installation, and what was learned of it on the way.

    Attributes:
        settings: of the backend, as far as this machine's variables tell.
        studio: Label Studio; None where none is set.
        backend_url: the backend's address as Label Studio calls it.
        project: the only project to look at; None for all that have the backend connected.
        backend_named: whether the operator named ``backend_url``; else a connected one that answers takes its place.
    """

    settings: ServerSettings
    studio: LabelStudio | None
    backend_url: str
    project: int | None = None
    backend_named: bool = False
    _health: dict[str, Answer | NoAnswer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._expected = self.backend_url

    def health(self, url: str) -> Answer | NoAnswer:
        """Answer of a backend to ``/health``, asked for once per address."""
        url = url.rstrip("/")
        if url not in self._health:
            try:
                self._health[url] = call("GET", f"{url}/health", patience=5.0)
            except NoAnswer as error:
                self._health[url] = error
        return self._health[url]

    def trusts(self, url: str) -> bool:
        """Whether a credential may go there: where this machine or the operator says that the backend is.

        Whoever connects a backend in Label Studio might otherwise have it sent to an address of theirs.
        """
        return _normal(url)[:3] == _normal(self._expected)[:3]

    def with_right(self, right: str) -> Credential | None:
        """The first credential in the settings that has a right."""
        return next((one for one in self.settings.credentials if right in one.rights), None)

    def login(self, url: str) -> Record:
        """User and secret for Label Studio's record of a backend; empty without a credential, or without trust."""
        credential = self.with_right(PREDICT) if self.trusts(url) else None
        if credential is None:
            return {}
        return {
            "auth_method": "BASIC_AUTH",
            "basic_auth_user": credential.name,
            "basic_auth_pass": credential.secret,
        }

    def header(self, url: str) -> Record:
        """Header for Label Studio's record of a webhook; empty where ``login`` is."""
        credential = self.with_right(TEACH) if self.trusts(url) else None
        return {"headers": {"Authorization": credential.bearer()}} if credential else {}

    def ask(self, method: str, url: str, body: Any = None, *, patience: float = 30.0) -> Answer:
        """Answer of a backend, asked with a credential that has the right, where the settings name one.

        Raises:
            NoAnswer: see ``call``.
        """
        path = f"/{urlsplit(url).path.rpartition('/')[2]}"  # Without the sub-path of a server in front.
        credential = self.with_right(RIGHTS.get(path, "")) if self.trusts(url) else None
        return call(method, url, body, patience=patience, authorization=credential.bearer() if credential else None)

    def is_ours(self, url: str) -> bool:
        """Whether a backend of this kind answers there."""
        answer = self.health(url)
        return isinstance(answer, Answer) and is_own_health(answer)

    def is_silent(self, url: str) -> bool:
        """Whether nobody answers there, as seen from here."""
        return isinstance(self.health(url), NoAnswer)

    def is_dead(self, backend: Record) -> bool:
        """Whether neither Label Studio nor this machine reaches a backend, whose address may mean another one here."""
        return backend.get("state") != REACHED and self.is_silent(url_of(backend))


@dataclass(frozen=True)
class Project:
    """A project of Label Studio.

    Attributes:
        id: its number.
        record: as Label Studio describes it.
        backends: its backends, in the order in which Label Studio considers them.
        tasks: a few of its tasks, from its beginning, middle and end.
        task_count: how many it has.
    """

    id: int
    record: Record
    backends: tuple[Record, ...]
    tasks: tuple[Record, ...] = ()
    task_count: int = 0

    @property
    def place(self) -> str:
        return f"project {self.id}"

    @property
    def config(self) -> str:
        """The project's labelling config."""
        return str(self.record.get("label_config") or "")


def is_own_health(answer: Answer) -> bool:
    """Whether an answer is that of this backend's ``/health``."""
    content = answer.content
    return answer.ok and isinstance(content, dict) and content.get("model_class") == OWN_CLASS


def url_of(record: Record) -> str:
    """The address in a backend's or a webhook's record, without a slash at the end."""
    return str(record.get("url") or "").rstrip("/")


def listening_at(settings: ServerSettings, port: int | None = None) -> str:
    """The address at which a server with these settings is reached from its own machine.

    Args:
        settings: its settings.
        port: where it listens, if that is not settled by the settings.
    """
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::", "") else settings.host
    scheme = "https" if settings.certificate else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.port if port is None else port}"


def same_address(first: str, second: str) -> bool:
    """Whether two addresses are one: this machine has several names."""
    return _normal(first) == _normal(second)


def same_host(first: str, second: str) -> bool:
    """Whether two addresses are of one machine."""
    return _normal(first)[1] == _normal(second)[1]


def _normal(url: str) -> tuple[str, str, int | None, str]:
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        port = None
    return parts.scheme, "localhost" if host in _LOOPBACK else host, port, parts.path.rstrip("/")
