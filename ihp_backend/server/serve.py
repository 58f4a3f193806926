"""serve: gunicorn, embedded."""

from __future__ import annotations

import ctypes
import logging
import os
import resource
import select
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from ipaddress import ip_address
from pathlib import Path
from shutil import disk_usage, rmtree
from tempfile import mkdtemp
from typing import Any, Final

import cv2
from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from ihp_backend.finetuning.workspace import close_data_folder
from ihp_backend.parsing.checkpoint import CheckpointError, read_checkpoint
from ihp_backend.parsing.parser import Parser
from ihp_backend.server.doctor_findings import Examine
from ihp_backend.server.log_lines import set_up_log
from ihp_backend.server.project_access import ProjectAccess
from ihp_backend.server.server_settings import ServerSettings, SettingsError

logger = logging.getLogger(__name__)

Look = Callable[[], Iterable[tuple[int, str]]]
"""Messages for the log, each with its level."""

_SHARED_MEMORY = "/dev/shm"  # nosec B108 # The folder that is made there has a name that nobody can guess.
_METRICS_BYTES = 1 << 24

_FILES = 8192
_OWN_FILES = 32
"""Files that a worker has open while nobody asks anything."""
_FILES_OF_REQUEST = 6
"""Its connection, what watches that, a database with its two other files, and a photograph's connection or file."""

_APP_LOAD_ERROR = 4
"""gunicorn stops as a whole when a worker exits so, instead of starting it again and again."""


_M_ARENA_MAX: Final = -8
"""glibc's ``M_ARENA_MAX``."""

_GIVE_BACK_SECONDS = 60.0


class _Logger(Logger):
    """gunicorn's own lines go the way of all others; ``request_watch`` logs the requests."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.propagate = True


class Application(BaseApplication):
    """gunicorn with our settings; each worker loads the model after the fork, so that nothing is shared by accident.

    What ``/setup`` tells is shared on purpose: it reaches only one of the workers.
    """

    def __init__(self, settings: ServerSettings, listening: socket.socket, examine: Examine | None) -> None:
        self._settings, self._examine = settings, examine
        self._address = "{}://{}:{}".format("https" if settings.certificate else "http", *listening.getsockname()[:2])
        self._listening = listening.detach()
        self._access = ProjectAccess()
        self._told, self._telling = os.pipe()
        # Before prometheus-client is imported, which then keeps the metrics of all workers there.
        folder = mkdtemp(prefix="ihp-metrics-", dir=_metrics_place())
        self._metrics = os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        super().__init__()

    def load_config(self) -> None:
        settings = self._settings
        for name, value in {
            "bind": f"fd://{self._listening}",
            "worker_class": "gthread",
            "workers": settings.workers,
            "threads": settings.threads,
            "worker_connections": _most_connections(),
            "timeout": settings.timeout,
            "keepalive": 5,
            "graceful_timeout": 7,  # whoever stops it waits ten seconds, Docker among them
            "control_socket_disable": True,  # newer ones would open it in the home folder
            "errorlog": None,
            "logger_class": _Logger,
            "child_exit": self._worker_ended,
            "on_exit": self._ended,
            "certfile": settings.certificate and str(settings.certificate),
            "keyfile": settings.key and str(settings.key),
        }.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def why_not(self) -> str:
        """Why a worker could not start, once it could not."""
        os.set_blocking(self._told, False)
        try:
            return os.read(self._told, select.PIPE_BUF).decode(errors="replace")
        except BlockingIOError:
            return "the server cannot start; the log above says why"

    def _worker_ended(self, server: Any, worker: Any) -> None:
        """What a worker counted stays; what it was about to do does not."""
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(worker.pid, self._metrics)

    def _ended(self, server: Any) -> None:
        rmtree(self._metrics, ignore_errors=True)

    def load(self) -> Flask:
        from ihp_backend.server.app import create_app

        share_free_memory()
        # OpenCV's threads spin between two calls, and take from other requests what they save one.
        cv2.setNumThreads(1)
        try:
            parser = Parser.from_pretrained(self._settings.model, engine=self._settings.engine)
            app = create_app(parser, self._settings, access=self._access, examine=self._examine)
        except (ValueError, RuntimeError, OSError) as error:
            logger.error("the server cannot start: %s", error)
            os.write(self._telling, str(error).encode()[: select.PIPE_BUF])
            sys.exit(_APP_LOAD_ERROR)
        logger.info("listening on %s, model %s, %s", self._address, parser.version, self._settings.places.described())
        return app


def _run(application: Application) -> None:
    """Serves; a worker that cannot start ends all with its reason, as what is found wrong earlier does."""
    process = os.getpid()
    try:
        application.run()
    except SystemExit as ended:
        if ended.code != _APP_LOAD_ERROR or os.getpid() != process:  # The worker's own end comes by here, too.
            raise
        raise SettingsError(application.why_not()) from None


def _most_connections() -> int:
    """Connections that a worker takes at a time, as many as it may open files for; the others wait to be taken."""
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files < _FILES and files != most:
        files = _FILES if most == resource.RLIM_INFINITY else min(_FILES, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))
    return max(min((files - _OWN_FILES) // _FILES_OF_REQUEST, 1000), 1)


def _metrics_place() -> str | None:
    """The folder for the metrics' files, None for the one of temporary files.

    They are mapped into memory: on a disk that is full the system would end every worker that counts something new.
    """
    try:
        return _SHARED_MEMORY if disk_usage(_SHARED_MEMORY).free > _METRICS_BYTES else None
    except OSError:
        return None


def share_free_memory() -> None:
    """Lets all threads take memory from the same two places: of many threads each would keep what it once needed.

    What is free there goes back to the system every minute: between what lasts, it would become more from photograph to
    photograph. Only glibc has such places.
    """
    with suppress(AttributeError, OSError):
        glibc = ctypes.CDLL(None)
        glibc.mallopt(_M_ARENA_MAX, 2)
        threading.Thread(target=_give_back, args=(glibc.malloc_trim,), daemon=True).start()


def _give_back(trim: Callable[[int], object]) -> None:
    while True:
        time.sleep(_GIVE_BACK_SECONDS)
        trim(0)


def serve(
    settings: ServerSettings,
    *,
    look: Look = tuple,
    examine: Examine | None = None,
    beside: AbstractContextManager[None] | None = None,
) -> None:
    """Serve until stopped.

    Args:
        settings: the server's.
        look: what there is to say of Label Studio before the server listens.
        examine: see ``create_app``.
        beside: entered for the time of serving, once nothing is found wrong.

    Raises:
        SettingsError: the address cannot be listened on, or not without credentials; the data folder cannot be written
            to, there is no such model, or the certificate cannot be used; or a worker could not load its model, or open
            the database.
    """
    settings.prepare_data_dir()
    try:
        read_checkpoint(settings.model)
    except CheckpointError as error:
        raise SettingsError(str(error)) from None
    if settings.certificate:
        _check_certificate(settings.certificate, settings.key)
    listening = _listen(settings.host, settings.port)
    alone = ip_address(listening.getsockname()[0]).is_loopback
    if not (alone or settings.credentials or settings.without_credentials):
        listening.close()
        raise SettingsError(
            f"IHP_HOST (--host): {settings.host} is reached from other machines, and anybody there could ask for "
            "masks, teach the model and see photographs; make credentials with ihp credentials and name them in "
            "IHP_CREDENTIALS_FILE, or choose --host 127.0.0.1; if another server in front of this one asks for them, "
            "--without-credentials"
        )
    set_up_log(settings.log_format)
    close_data_folder(settings.data_dir)
    if not settings.credentials:
        logger.log(
            logging.INFO if alone else logging.WARNING,
            "no credentials: whoever reaches this address%s may ask for masks, send events and look at /status; "
            "IHP_CREDENTIALS_FILE names those who may (docs/security.md)",
            ", which is everybody on this machine," if alone else "",
        )
    if not (alone or settings.certificate):
        logger.warning("no TLS: masks and secrets travel in the clear; --certificate and --key, or a server in front")
    for level, told in look():
        logger.log(level, "%s", told)
    if settings.workers > 1:
        logger.warning(
            "%d workers: each loads its own model and opens photographs for itself, and /status tells the errors and "
            "answered predictions of the worker that is asked; clicks, events and access to Label Studio are shared; "
            "prefer threads",
            settings.workers,
        )
    with beside or nullcontext():
        _run(Application(settings, listening, examine))


def _check_certificate(certificate: Path, key: Path | None) -> None:
    """Reads both before anything starts: gunicorn would find out with the first request."""
    certificates, keys = "IHP_CERTIFICATE_FILE (--certificate)", "IHP_KEY_FILE (--key)"
    for name, file in ((certificates, certificate), (keys, key or certificate)):
        try:
            content = file.read_text(encoding="ascii", errors="replace")
        except OSError as error:
            raise SettingsError(
                f"{name}: {file} cannot be read ({error.strerror}); check that it exists and may be read"
            ) from None
        if name == keys and "ENCRYPTED" in content:
            raise SettingsError(f"{keys}: {file} has a passphrase; openssl pkey -in FILE -out OTHER removes it")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        files = f"{certificate}, {key}" if key else str(certificate)
        if error.reason == "KEY_VALUES_MISMATCH":
            raise SettingsError(
                f"{certificates}, {keys}: {files}: the key is another certificate's; give its own"
            ) from None
        raise SettingsError(
            f"{certificates}, {keys}: no certificate with its private key in {files}; give PEM files, the certificate "
            "first and those between it and its CA after it, and the key's file where it is another"
        ) from None


def _listen(host: str, port: int) -> socket.socket:
    """A bound socket, handed to gunicorn: its own attempts end in five retries and a bare exit."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except UnicodeError:
        raise SettingsError(
            f"IHP_HOST (--host): {host!r} is no name of a machine and no address; choose 127.0.0.1, or one of this "
            "machine's"
        ) from None
    except OSError as error:
        remedy = "stop the program that uses it, or choose others"
        if isinstance(error, socket.gaierror):
            remedy = "choose a name or an address of this machine, such as 127.0.0.1, without http://"
        raise SettingsError(
            f"IHP_HOST (--host), IHP_PORT (--port): {host}:{port} cannot be listened on ({error.strerror}); {remedy}"
        ) from None
    return listening
