"""Starting, watching and stopping the demonstration's servers.

Standard library only: `make demo-reset` stops servers also when the virtual environment is gone.

Every server runs in a process group of its own, so that Ctrl-C reaches only the demonstration, which then stops the
servers in order, and so that stopping takes a server's children with it. A record file names the process; a process is
signalled only while its start time is still the recorded one, because process ids are used again.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LOOPBACK = "127.0.0.1"


class ServerError(RuntimeError):
    """A server could not be started, or ended by itself."""


@dataclass(frozen=True)
class Server:
    """A server: how to start it and how to see that it is well.

    Attributes:
        name: what messages call it.
        command: program and arguments.
        environment: the whole environment of the process.
        health_url: answers 200 as soon as the server works.
        log: everything it prints goes here.
        record: this file names the running process.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    health_url: str
    log: Path
    record: Path


def port_is_free(port: int) -> bool:
    """Whether nobody listens on the port, neither on loopback nor on all addresses."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Without it a port whose last connections are still closing down would count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def port_becomes_free(port: int, patience: float) -> bool:
    """Whether the port is free now or within ``patience`` seconds."""
    deadline = time.monotonic() + patience
    while not port_is_free(port):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.1)
    return True


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def start_time(pid: int) -> str | None:
    """The start time of a process, in the system's own words; None when there is no such process."""
    status = Path(f"/proc/{pid}/stat")
    if status.parent.parent.joinpath("self").exists():
        try:
            # The name in parentheses may hold spaces, so count the fields from its end: state is the first.
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] == "Z" else fields[19]
    listing = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return listing.stdout.strip() or None


def start(server: Server) -> subprocess.Popen[bytes]:
    """Start the server in its own process group and record it."""
    server.log.parent.mkdir(parents=True, exist_ok=True)
    with server.log.open("ab") as log:
        try:
            process = subprocess.Popen(
                list(server.command),
                env=dict(server.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise ServerError(f"{server.name}: {server.command[0]} could not be started ({error})") from error
    record = {"name": server.name, "pid": process.pid, "started": start_time(process.pid), "owner": os.getpid()}
    record["owner_started"] = start_time(os.getpid())
    server.record.write_text(json.dumps(record))
    return process


def is_healthy(url: str, timeout: float = 2.0) -> bool:
    """Whether the address answers 200; never through a proxy, as it is on this machine."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=timeout) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError, ValueError):
        return False


def wait_until_healthy(
    server: Server,
    process: subprocess.Popen[bytes],
    timeout: float,
    on_wait: Callable[[], None] = lambda: None,
) -> None:
    """Wait for the server's health; ``on_wait`` is called several times a second meanwhile.

    Raises:
        ServerError: it ended, or was not healthy within ``timeout`` seconds; the message ends with its last words.
    """
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if is_healthy(server.health_url):
            return
        if process.poll() is not None:
            raise ServerError(f"{server.name} ended with status {process.returncode}. {last_words(server.log)}")
        on_wait()
        time.sleep(0.2)
    raise ServerError(
        f"{server.name} did not answer at {server.health_url} within {timeout:.0f} seconds. {last_words(server.log)}"
    )


def last_words(log: Path, lines: int = 15) -> str:
    """The end of a log, for an error message."""
    with suppress(OSError):
        return f"The end of {log}:\n" + "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    return f"{log} does not exist."


def running(record: Path) -> dict[str, object] | None:
    """The record of a process that still runs; None when there is no record, or its process is gone."""
    try:
        known: dict[str, object] = json.loads(record.read_text())
        alive = start_time(int(str(known["pid"]))) == known["started"]
    except (OSError, ValueError, KeyError):
        return None
    return known if alive and known["started"] is not None else None


def owner_is_alive(known: Mapping[str, object]) -> bool:
    """Whether the demonstration that started the recorded process is still there to look after it."""
    owner = int(str(known.get("owner", 0)))
    return owner not in (0, os.getpid()) and start_time(owner) == known.get("owner_started")


def stop(record: Path, patience: float = 15.0) -> str | None:
    """Stop the recorded process and its group; kill what is left after ``patience`` seconds.

    Returns:
        The name of the server that was stopped, None when there was nothing to stop.
    """
    known = running(record)
    if known is None:
        record.unlink(missing_ok=True)
        return None
    group = int(str(known["pid"]))
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while running(record) is not None and time.monotonic() < deadline:
        with suppress(ChildProcessError):
            os.waitpid(group, os.WNOHANG)
        time.sleep(0.1)
    with suppress(ProcessLookupError, PermissionError):
        # Also when the leader is gone: workers it left behind are still in its group.
        os.killpg(group, signal.SIGKILL)
    record.unlink(missing_ok=True)
    return str(known["name"])
