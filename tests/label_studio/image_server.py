"""A real HTTP server on loopback that answers as a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import base64
import json
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

IMAGE = b"\x89PNG the bytes of an image"

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def authorization(self) -> str | None:
        return self.headers.get("authorization")


class ImageServer(ThreadingHTTPServer):
    """Answers by path (without query); what is in no route gets ``everywhere``, or else a 404.

    Args:
        certificate: speaks https with it; its key lies beside it.
    """

    daemon_threads = True

    def __init__(self, certificate: Path | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, certificate.with_suffix(".key"))
            # The handshake in the thread of the connection: a failed one must not end the server.
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.everywhere: Answer | None = None
        self.routes: dict[str, Answer] = {}
        self.asked: list[Asked] = []
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # clients that break off are part of the tests

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]


class _Handler(BaseHTTPRequestHandler):
    server: ImageServer
    body: bytes

    def _answer(self) -> None:
        self.body = body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.asked.append(Asked(self.command, self.path, headers, body))
        self.server.routes.get(self.path.partition("?")[0], self.server.everywhere or status(404))(self)

    do_GET = do_POST = do_PATCH = do_DELETE = _answer

    def log_message(self, format: str, *args: object) -> None:
        pass


def sends(body: bytes = IMAGE, content_type: str = "image/png", code: int = 200, **headers: str) -> Answer:
    fields = {"Content_Type": content_type, "Content_Length": str(len(body)), **headers}

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in fields.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def status(code: int) -> Answer:
    return sends(b"{}", "application/json", code)


def redirects(target: str, code: int = 302) -> Answer:
    return sends(b"", code=code, Location=target)


def drips(pieces: int, seconds: float, body: bytes = b"x") -> Answer:
    """No Content-Length; `pieces` times `body` with a pause before each."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(pieces):
                time.sleep(seconds)
                handler.wfile.write(body)
                handler.wfile.flush()
        except OSError:
            pass  # the client had enough

    return answer


def wants(authorization: str | Callable[[str | None], bool], then: Answer | None = None) -> Answer:
    """401 without that Authorization header."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        given = handler.headers.get("Authorization")
        right = authorization(given) if callable(authorization) else given == authorization
        (then or sends())(handler) if right else status(401)(handler)

    return answer


def web_token(**claims: object) -> str:
    """A JSON web token with these claims (and a signature that nobody checks)."""

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'HS256'})}.{part(claims)}.{'c2lnbmF0dXJl' * 3}c2lnbmF"
