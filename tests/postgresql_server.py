"""A PostgreSQL server of its own for tests: on loopback, in a folder that goes with it."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import psycopg
from sqlalchemy.engine import URL

from examples.demo.processes import free_port
from ihp_backend.storage import database
from ihp_backend.storage.database import postgresql_url

PASSWORD = "not-to-be-shown"


def programs() -> Path | None:
    """The folder of initdb and postgres; None where they are not installed."""
    found = [*sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")), shutil.which("initdb")]
    return next((Path(program).resolve().parent for program in reversed(found) if program), None)


class PostgresqlServer:
    """A server that runs.

    Args:
        folder: an empty one for its data.
        options: settings of the server, such as "fsync=off".
    """

    def __init__(self, folder: Path, *options: str) -> None:
        found = programs()
        assert found is not None
        self._programs, self._folder, self._options, self.port = found, folder, options, free_port()
        self._numbers = count(1)
        self._process: subprocess.Popen[bytes] | None = None
        password = folder / "password"
        password.write_text(PASSWORD)
        self._as: dict[str, int] = {}
        if os.geteuid() == 0:  # It refuses to run as root; its package brings a user for it.
            user = pwd.getpwnam("postgres")
            self._as = {"user": user.pw_uid, "group": user.pw_gid}
            for path in (folder, password):
                os.chown(path, user.pw_uid, user.pw_gid)
        made = ["--auth=scram-sha-256", f"--pwfile={password}", "--username=ihp", "--encoding=UTF8", "--locale=C.UTF-8"]
        subprocess.run(
            [str(found / "initdb"), "--pgdata", str(folder / "data"), *made],
            check=True, stdout=subprocess.DEVNULL, cwd=folder, **self._as,
        )  # type: ignore[call-overload]  # fmt: skip
        self.start()

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        options = [part for option in self._options for part in ("-c", option)]
        with (self._folder / "log").open("a") as log:
            self._process = subprocess.Popen(
                [
                    self._programs / "postgres", "-D", self._folder / "data", "-p", str(self.port),
                    "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", *options,
                ],
                stderr=log, cwd=self._folder, **self._as,
            )  # type: ignore[call-overload]  # fmt: skip
        for _ in range(600):
            with suppress(psycopg.OperationalError):
                psycopg.connect(f"postgresql://ihp:{PASSWORD}@127.0.0.1:{self.port}/postgres").close()
                return
            time.sleep(0.05)
        raise AssertionError((self._folder / "log").read_text())

    def stop(self) -> None:
        """Ends it at once, with all connections."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(60)
            self._process = None

    def text(self, schema: str) -> str:
        """The address as ``IHP_DATABASE`` has it, with a schema for the tables."""
        return f"postgresql://ihp:{PASSWORD}@127.0.0.1:{self.port}/postgres?options=-csearch_path%3D{schema}"

    def fresh(self) -> URL:
        """The address of a place without tables."""
        # Stores keep connections open for good, and a run has more places than the server takes connections.
        for url, engine in database._pools.items():
            if url.port == self.port:
                engine.dispose()
        return postgresql_url(self.text(f"place_{next(self._numbers)}"))


@contextmanager
def postgresql_server(*options: str) -> Iterator[PostgresqlServer]:
    """A server for the time of the block."""
    # Not below pytest's folders, which another user cannot enter.
    folder = Path(tempfile.mkdtemp(prefix="ihp-postgresql-"))
    server = None
    try:
        server = PostgresqlServer(folder, *options)
        yield server
    finally:
        if server is not None:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
