"""What goes wrong on the way to a Label Studio, each with real servers, and what has to be said of it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from .image_server import Answer, redirects, sends, status, web_token
from .trouble_servers import Place, free_port, resets

PASSWORD = "hush-p4ss"
LEGACY = "0123456789abcdef" * 2 + "01234567"
PAGE = sends(b"<html>Log in</html>", "text/html")
BASIC = sends(b"<html>401</html>", "text/html", 401, WWW_Authenticate='Basic realm="closed"')


Made = tuple[str, Mapping[str, str]]
"""LABEL_STUDIO_URL and other variables."""


@dataclass(frozen=True)
class Trouble:
    """One thing that goes wrong.

    Attributes:
        name: for the test's name.
        make: makes it.
        found: words of what is found.
        remedy: words of what cures it.
        token: LABEL_STUDIO_API_KEY.
    """

    name: str
    make: Callable[[Place], Made]
    found: str
    remedy: str
    token: str = field(default=LEGACY, repr=False)

    def __str__(self) -> str:
        return self.name


def _https(
    name: str = "IP:127.0.0.1", days: int = 2, trusted: bool = False, host: str = "127.0.0.1"
) -> Callable[..., Made]:
    def make(at: Place) -> Made:
        certificate = at.certificate(name, days)
        server = at.server(certificate=certificate)
        bundle = {"REQUESTS_CA_BUNDLE": str(certificate)} if trusted else {}
        return f"https://{host}:{server.server_address[1]}", bundle

    return make


def _bundle(content: str | None) -> Callable[[Place], Made]:
    def make(at: Place) -> Made:
        file = at.folder / "company-ca.pem"
        if content is not None:
            file.write_text(content)
        return _https()(at)[0], {"REQUESTS_CA_BUNDLE": str(file)}

    return make


def _behind_another(at: Place) -> Made:
    """Trusted certificates are set, and the server's is none of them."""
    return _https()(at)[0], {"REQUESTS_CA_BUNDLE": str(at.certificate("DNS:other.example"))}


def _other_scheme(scheme: str) -> Callable[[Place], Made]:
    def make(at: Place) -> Made:
        server = at.server(certificate=at.certificate() if scheme == "http" else None)
        return f"{scheme}://127.0.0.1:{server.server_address[1]}", {}

    return make


def _answers(answer: Answer, path: str = "") -> Callable[[Place], Made]:
    return lambda at: (at.server(answer).url + path, {})


def _with_login(answer: Answer) -> Callable[[Place], Made]:
    return lambda at: (at.server(answer).url.replace("//", f"//somebody:{PASSWORD}@"), {})


def _speaks(answer: Callable[[socket.socket], object], scheme: str = "http") -> Callable[[Place], Made]:
    return lambda at: (f"{scheme}://127.0.0.1:{at.port(answer)}", {})


def _refused(at: Place) -> Made:
    return f"http://127.0.0.1:{free_port()}", {}


def _proxied(url: str, variable: str, proxy: Callable[[Place], str]) -> Callable[[Place], Made]:
    return lambda at: (url, {variable: proxy(at).replace("//", f"//somebody:{PASSWORD}@")})


def _untrusted_through_a_proxy(at: Place) -> Made:
    return _https()(at)[0], {"HTTPS_PROXY": at.proxy()}


def _no_http(connection: socket.socket) -> None:
    connection.recv(9999)
    connection.sendall(b"SSH-2.0\r\n")


def _to_itself(handler: BaseHTTPRequestHandler) -> None:
    redirects(handler.path)(handler)


def _nginx_wants_https(handler: BaseHTTPRequestHandler) -> None:
    sends(b"<html>400 The plain HTTP request was sent to HTTPS port", "text/html", 400)(handler)


_FAR = "http://studio.example"
_ITSELF = "has to be the address of Label Studio itself"

TROUBLES = [
    Trouble("self-signed", _https(), "its certificate is not trusted here (self-signed)", "set REQUESTS_CA_BUNDLE to"),
    Trouble("another CA", _behind_another, "not trusted by REQUESTS_CA_BUNDLE=", "or add it to /"),
    Trouble("expired", _https(days=-1, trusted=True), "its certificate has expired", "renew the certificate of Label"),
    Trouble(
        "other address", _https("IP:127.0.0.9", trusted=True), "not for the name 127.0.0.1", "use a name in LABEL_S"
    ),
    Trouble(
        "other name",
        _https("DNS:other.example", trusted=True, host="localhost"),
        "not for the name localhost (it is for 'other.example')",
        "use a name in LABEL_STUDIO_URL",
    ),
    Trouble("no bundle", _bundle(None), "which does not exist", "correct REQUESTS_CA_BUNDLE"),
    Trouble("no certificates", _bundle("nothing"), "which holds no certificate", "correct REQUESTS_CA_BUNDLE"),
    Trouble(
        "https on http", _other_scheme("https"), "does not speak https at this port", "write http:// in LABEL_STUDI"
    ),
    Trouble(
        "http on https", _other_scheme("http"), "speaks https at this port, not http", "write https:// in LABEL_STU"
    ),
    Trouble(
        "nginx wants https", _answers(_nginx_wants_https), "speaks https at this port", "write https:// in LABEL_ST"
    ),
    Trouble(
        "no name", lambda at: ("http://no-such-host.invalid", {}), "no-such-host.invalid is not known", "correct LAB"
    ),
    Trouble("refused", _refused, "refused: nobody listens there", "start Label Studio, or correct LABEL_STUDIO_URL"),
    Trouble("reset", _speaks(resets), "closed without an answer", "look into the log of Label Studio"),
    Trouble("reset TLS", _speaks(resets, "https"), "closed without an answer", "look into the log of Label Studio"),
    Trouble("closed", _speaks(lambda one: one.recv(9999)), "closed without an answer", "look into the log of Label St"),
    Trouble(
        "closed TLS", _speaks(lambda one: one.recv(9999), "https"), "handshake was broken off", "check the port in LA"
    ),
    Trouble("no HTTP", _speaks(_no_http), "is no HTTP", "correct the port"),
    Trouble(
        "proxy refuses",
        _proxied("https://studio.example", "HTTPS_PROXY", lambda at: _refused(at)[0]),
        "of HTTPS_PROXY refuses the connection",
        "correct HTTPS_PROXY, or add studio.example to NO_PROXY",
    ),
    Trouble(
        "proxy without a name",
        _proxied(_FAR, "HTTP_PROXY", lambda at: "http://no-such-proxy.invalid:3128"),
        "the name of the proxy http://no-such-proxy.invalid:3128 of HTTP_PROXY",
        "correct HTTP_PROXY",
    ),
    Trouble(
        "proxy wants a login",
        _proxied("https://studio.example", "https_proxy", lambda at: at.proxy("else:where")),
        "of https_proxy wants a login (status 407)",
        "write it into https_proxy",
    ),
    Trouble(
        "proxy wants a login, http",
        _proxied(_FAR, "ALL_PROXY", lambda at: at.proxy("else:where")),
        "of ALL_PROXY wants a login (status 407)",
        "write it into ALL_PROXY",
    ),
    Trouble(
        "proxy forbids",
        _proxied("https://studio.example", "HTTPS_PROXY", lambda at: at.proxy(answers=403)),
        "does not let this through (status 403)",
        "add studio.example to NO_PROXY",
    ),
    Trouble(
        "proxy forbids, http",
        _proxied(_FAR, "HTTP_PROXY", lambda at: at.proxy(answers=403)),
        "does not let this through (status 403)",
        "add studio.example to NO_PROXY",
    ),
    Trouble(
        "proxy finds nobody",
        _proxied(_FAR, "HTTP_PROXY", lambda at: at.proxy(answers=503)),
        "of HTTP_PROXY does not reach it (status 503)",
        "add studio.example to NO_PROXY",
    ),
    Trouble(
        "SOCKS", _proxied(_FAR, "HTTP_PROXY", lambda at: "socks5://127.0.0.1:1"), "is a SOCKS proxy", "name an HTTP"
    ),
    Trouble(
        "no proxy's address", _proxied(_FAR, "HTTP_PROXY", lambda at: "ftp://127.0.0.1:1"), "no usable proxy", "http:/"
    ),
    Trouble(
        "self-signed behind a proxy",
        _untrusted_through_a_proxy,
        "(asked through the proxy http://127.0.0.1:",
        "set REQUESTS_CA_BUNDLE",
    ),
    Trouble(
        "basic auth", _answers(BASIC), "wants a user and a password (basic auth)", "write them into LABEL_STUDIO_URL"
    ),
    Trouble(
        "basic auth refused", _with_login(BASIC), "wants a user and a password", "correct the user and the password"
    ),
    Trouble(
        "basic auth and personal token",
        _with_login(BASIC),
        "wants a user and a password",
        "to a legacy token",
        web_token(token_type="access", exp=9_999_999_999),
    ),
    Trouble("redirect in a circle", _answers(_to_itself), "redirects in a circle", "that a browser ends at"),
]

API_TROUBLES = [
    Trouble(
        "redirect",
        _answers(redirects("https://elsewhere.example/login?next=secret")),
        "redirects to https://elsewhere.example/login",
        "that a browser ends at",
    ),
    Trouble("a page", _answers(PAGE), "", _ITSELF),
    Trouble("other JSON", _answers(sends(b'{"ok": true}', "application/json")), "not as Label Studio", _ITSELF),
    Trouble("other JSON, a list", _answers(sends(b"[1]", "application/json")), "not as Label Studio", _ITSELF),
    Trouble("other server", _answers(status(404)), "status 404", _ITSELF),
    Trouble("wrong sub-path", _answers(status(404), "/wrong"), "status 404", _ITSELF),
]
