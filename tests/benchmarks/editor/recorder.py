"""Recorder: stands between Label Studio and the backend and keeps how long each click was with the backend."""

from __future__ import annotations

import http.client
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LOOPBACK = "127.0.0.1"
_OF_THE_CONNECTION = {"connection", "transfer-encoding", "content-length", "date", "server", "host"}


@dataclass(frozen=True)
class Exchange:
    """A click on its way through the recorder.

    Attributes:
        click: id of the newest click in the request.
        backend: milliseconds from the request's first byte to the answer's last.
        recorder: milliseconds that the recorder itself took.
        stages: milliseconds by stage, from the answer's ``Server-Timing`` header.
        asked, answered: bytes of the request and of the answer.
    """

    click: str
    backend: float
    recorder: float
    stages: dict[str, float]
    asked: int
    answered: int


@dataclass
class Recorder:
    """What was recorded, and where Label Studio has to send its requests."""

    url: str
    exchanges: list[Exchange] = field(default_factory=list)

    def of(self, click: str) -> Exchange:
        """The one exchange of a click.

        Raises:
            LookupError: there is none, or there are several.
        """
        found = [exchange for exchange in self.exchanges if exchange.click == click]
        if len(found) != 1:
            raise LookupError(f"click {click}: {len(found)} requests reached the backend, 1 was awaited")
        return found[0]


def read_server_timing(header: str) -> dict[str, float]:
    """Milliseconds by name of a ``Server-Timing`` header."""
    return {name: float(value) for name, value in re.findall(r"([\w-]+)\s*;\s*dur=([\d.]+)", header)}


@contextmanager
def recording(port: int, changed: Callable[[bytes], bytes] | None = None) -> Iterator[Recorder]:
    """A recorder on a free port of this machine, in front of the backend on ``port``.

    Args:
        port: the backend's.
        changed: makes another answer of one to ``/predict``; None: handed on as it is.
    """
    recorder = Recorder("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Answers go out at once; otherwise the kernel would wait for more.
        disable_nagle_algorithm = True
        wbufsize = 1 << 20

        def handle_any(self) -> None:
            began = time.perf_counter()
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            sent = time.perf_counter()
            connection = http.client.HTTPConnection(LOOPBACK, port, timeout=600)
            try:
                connection.request(self.command, self.path, body, _kept(self.headers.items()))
                answer = connection.getresponse()
                content = answer.read()
            finally:
                connection.close()
            received = time.perf_counter()
            if changed is not None and self.path == "/predict":
                content = changed(content)
            self.send_response(answer.status)
            for name, value in _kept(answer.getheaders()).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            self.wfile.flush()
            own = (time.perf_counter() - began) - (received - sent)
            if self.path == "/predict" and (click := _newest_click(body)):
                stages = read_server_timing(answer.getheader("Server-Timing", ""))
                recorder.exchanges.append(
                    Exchange(click, (received - sent) * 1000, own * 1000, stages, len(body), len(content))
                )

        do_GET = do_POST = do_DELETE = handle_any

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing is logged."""

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    recorder.url = f"http://{LOOPBACK}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield recorder
    finally:
        server.shutdown()
        server.server_close()


def _kept(headers: Any) -> dict[str, str]:
    return {name: value for name, value in headers if name.lower() not in _OF_THE_CONNECTION}


def _newest_click(body: bytes) -> str | None:
    """The id of the last prompt of an interactive request; None for any other."""
    context = (json.loads(body).get("params") or {}).get("context") or {}
    prompts = context.get("result") or []
    return str(prompts[-1]["id"]) if prompts else None
