"""Connection errors: an error of a request, explained as a NoConnection.

None of the errors' own texts is handed on: they can hold whole addresses.
"""

from __future__ import annotations

import errno
import http.client
import os
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

import requests

from ihp_backend.label_studio.web.no_connection import NoConnection, chain, within
from ihp_backend.label_studio.web.proxies import Proxy, of_proxy
from ihp_backend.label_studio.web.tls_errors import of_tls, unusable_bundle

_HERE = "in a container, localhost is the container itself"


def explained(
    error: Exception,
    url: str,
    proxy: Proxy | None,
    timeout: tuple[float, float],
    speaks_tls: Callable[[], bool] = lambda: False,
) -> NoConnection:
    """Explanation of a request's error.

    Args:
        url: what was asked for.
        proxy: through which it was asked; None for none.
        timeout: seconds to connect and seconds between two pieces of the answer.
        speaks_tls: whether the server of an http address speaks TLS; asked only where that would explain the error.
    """
    if proxy is None:
        return _of_server(error, url, timeout, speaks_tls)
    if found := of_proxy(error, proxy):
        return found
    behind = _of_server(error, url, timeout, speaks_tls)
    what = f"{behind.what} (asked through {proxy.named})"
    return NoConnection(what, f"{behind.remedy('{server}', '{setting}')}, or {proxy.around}", passing=behind.passing)


def _of_server(
    error: Exception, url: str, timeout: tuple[float, float], speaks_tls: Callable[[], bool]
) -> NoConnection:
    parts = urlsplit(url)
    if parts.scheme == "https" and (found := unusable_bundle() or of_tls(error, parts.hostname or "")):
        return found
    if within(error, socket.gaierror, UnicodeError):
        return NoConnection(
            f"the name {parts.hostname} is not known here (DNS)",
            "correct {setting}, or make the name known to this machine (among containers, it is the service's name)",
            passing=True,
        )
    if isinstance(error, requests.ConnectTimeout):
        return NoConnection(
            f"no connection within {timeout[0]:g} s",
            "check the host and the port in {setting}, that {server} runs there, and firewalls on the way",
            passing=True,
        )
    if isinstance(error, requests.Timeout) or within(error, TimeoutError):
        return NoConnection(
            f"timed out: no answer within {timeout[1]:g} s",
            "look into the log of {server}: it is busy, or another program listens at that port",
            passing=True,
        )
    if within(error, ConnectionRefusedError):
        return NoConnection(
            "the connection is refused: nobody listens there",
            f"start {{server}}, or correct {{setting}} ({_HERE})",
            refused=True,
        )
    if parts.scheme == "http" and within(error, http.client.HTTPException, ConnectionError) and speaks_tls():
        return NoConnection("it speaks https at this port, not http", "write https:// in {setting}")
    if within(error, ConnectionResetError, BrokenPipeError, http.client.RemoteDisconnected):
        return NoConnection(
            "the connection was closed without an answer",
            "look into the log of {server} and of what stands between (reverse proxy, firewall), and check the port",
            passing=True,
        )
    if within(error, http.client.HTTPException):
        return NoConnection("what answers there is no HTTP", "correct the port in {setting}")
    system = next((one for one in chain(error) if isinstance(one, OSError) and one.errno), None)
    if system is not None and system.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return NoConnection(
            "there is no way to this host from here",
            f"check the network of this machine and {{setting}} ({_HERE})",
            passing=True,
        )
    why = os.strerror(system.errno) if system is not None and system.errno else type(error).__name__
    return NoConnection(
        f"no connection ({why})", f"check that this machine reaches {{setting}} ({_HERE})", passing=True
    )
