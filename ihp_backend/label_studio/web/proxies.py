"""Proxies: which proxy of the environment a request goes through, by which variable, and what fails about it."""

from __future__ import annotations

import os
import re
import socket
import ssl
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import requests
from requests.utils import get_environ_proxies, select_proxy

from ihp_backend.label_studio.web.image_errors import shown
from ihp_backend.label_studio.web.no_connection import NoConnection, chain, within
from ihp_backend.label_studio.web.tls_errors import NO_TLS, is_about_certificate


@dataclass(frozen=True)
class Proxy:
    """An HTTP proxy.

    Attributes:
        variable: the environment variable that names it, for example "HTTPS_PROXY".
        shown: its address without user and password.
        host: the host that is asked through it.
        by_scheme: what requests takes.
    """

    variable: str
    shown: str
    host: str
    by_scheme: dict[str, str] = field(repr=False)

    @property
    def named(self) -> str:
        return f"the proxy {self.shown} of {self.variable}"

    @property
    def around(self) -> str:
        """Advice on how to do without the proxy."""
        return f"add {self.host} to NO_PROXY if it can be reached without a proxy"


def proxy_of(url: str) -> Proxy | None:
    """The proxy for an address (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY; not for what NO_PROXY lists); None for none."""
    by_scheme = dict(get_environ_proxies(url))
    chosen = select_proxy(url, by_scheme)
    if not chosen:
        return None
    parts = urlsplit(url)
    names = (name for scheme in (parts.scheme, "all") for name in (f"{scheme}_proxy", f"{scheme}_proxy".upper()))
    variable = next((name for name in names if os.environ.get(name) == chosen), f"{parts.scheme}_proxy")
    return Proxy(variable, shown(chosen), parts.hostname or "", by_scheme)


def of_proxy(error: Exception, proxy: Proxy) -> NoConnection | None:
    """The error on the way to a proxy or at it; None for an error behind it."""
    named, around = proxy.named, proxy.around
    if isinstance(error, requests.exceptions.InvalidSchema):
        return NoConnection(f"{named} is a SOCKS proxy, which is not supported", f"name an HTTP proxy, or {around}")
    if isinstance(error, requests.exceptions.InvalidURL):
        form = "http://proxy.example:3128"
        return NoConnection(f"{proxy.variable} names no usable proxy", f"give one like {form}, or {around}")
    if tunnel := re.search(r"Tunnel connection failed: (\d{3})", " ".join(map(str, chain(error)))):
        status = int(tunnel[1])
        return NoConnection(*at_proxy(proxy, status), passing=status >= 500)
    if not isinstance(error, requests.exceptions.ProxyError):
        return None
    tls, correct = within(error, ssl.SSLError), f"correct {proxy.variable}, or {around}"
    if tls and tls.reason in NO_TLS:
        return NoConnection(f"{named} speaks http, not https", f"write http:// in {proxy.variable}")
    if is_about_certificate(error):
        cure = f"set REQUESTS_CA_BUNDLE to a file with the certificate of the CA that signed it, or {around}"
        return NoConnection(f"{named} has a certificate that is not trusted here", cure)
    if within(error, socket.gaierror):
        return NoConnection(f"the name of {named} is not known here (DNS)", correct, passing=True)
    if within(error, ConnectionRefusedError):
        return NoConnection(f"{named} refuses the connection", correct, passing=True)
    return NoConnection(f"{named} cannot be reached", correct, passing=True)


def at_proxy(proxy: Proxy, status: int) -> tuple[str, str]:
    """The error that a proxy's own status means, and the remedy."""
    if status == 407:
        return (
            f"{proxy.named} wants a login (status 407)",
            f"write it into {proxy.variable}: http://USER:PASSWORD@HOST:PORT, with @ in a password as %40, or "
            f"{proxy.around}",
        )
    if status >= 500:
        return f"{proxy.named} does not reach it (status {status})", f"look into the proxy's log, or {proxy.around}"
    return f"{proxy.named} does not let this through (status {status})", f"allow the host there, or {proxy.around}"
