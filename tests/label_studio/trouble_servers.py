"""Real servers for what goes wrong on the way to one: with certificates, with other protocols, proxies."""

from __future__ import annotations

import base64
import shutil
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from .image_server import Answer, ImageServer


class Place:
    """Where servers and certificates are made; all servers end with the block."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self._stack = folder, stack

    def server(self, answer: Answer | None = None, certificate: Path | None = None) -> ImageServer:
        """An HTTP server that gives one answer to everything, with a certificate an HTTPS server."""
        server = self._stack.enter_context(ImageServer(certificate))
        self._stack.callback(server.shutdown)
        server.everywhere = answer
        return server

    def certificate(self, name: str = "IP:127.0.0.1", days: int = 2) -> Path:
        """A self-signed certificate for a name, its key beside it."""
        if shutil.which("openssl") is None:
            pytest.skip("no openssl to make a certificate with")
        made = self.folder / f"{name.replace(':', '-')}.pem"
        key, request, names = made.with_suffix(".key"), made.with_suffix(".csr"), made.with_suffix(".txt")
        names.write_text(f"subjectAltName={name}\nbasicConstraints=CA:TRUE\n")
        for command in (
            f"req -new -newkey rsa:2048 -nodes -subj /CN=stand-in -keyout {key} -out {request}",
            f"x509 -req -in {request} -signkey {key} -days {days} -extfile {names} -out {made}",
        ):
            subprocess.run(["openssl", *command.split()], check=True, capture_output=True)
        return made

    def port(self, answer: Callable[[socket.socket], object]) -> int:
        """A port at which something else than HTTP is spoken."""
        listener = self._stack.enter_context(socket.create_server(("127.0.0.1", 0)))

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection, suppress(OSError):  # the other side had enough
                    answer(connection)

        threading.Thread(target=serve, daemon=True).start()
        return int(listener.getsockname()[1])

    def proxy(self, login: str = "", answers: int = 0) -> str:
        """The address of an HTTP proxy: it wants a login, answers with a status, or passes on what it is asked."""
        wanted = f"Basic {base64.b64encode(login.encode()).decode()}" if login else None

        def serve(connection: socket.socket) -> None:
            asked = connection.recv(65536).decode("latin-1")
            method, target = asked.split(" ")[:2]
            if wanted and f"proxy-authorization: {wanted}".lower() not in asked.lower():
                return connection.sendall(
                    b"HTTP/1.1 407 Login\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"
                )
            if answers:
                return connection.sendall(f"HTTP/1.1 {answers} No\r\nContent-Length: 0\r\n\r\n".encode())
            _, _, port = (target if method == "CONNECT" else urlsplit(target).netloc).partition(":")
            with socket.create_connection(("127.0.0.1", int(port)), 5) as onward:
                if method == "CONNECT":
                    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                else:
                    onward.sendall(asked.encode("latin-1"))
                back = threading.Thread(target=_pass_on, args=(onward, connection), daemon=True)
                back.start()
                _pass_on(connection, onward)
                back.join(5)

        return f"http://127.0.0.1:{self.port(serve)}"


@contextmanager
def place(folder: Path) -> Iterator[Place]:
    with ExitStack() as stack:
        yield Place(folder, stack)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def resets(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.recv(10)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    try:
        while piece := source.recv(65536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # one of them is gone
