"""One HTTP request to an address that was checked before.

Name look-ups can answer differently each time: an address checked first and looked up again for the
connection may be another one. Requests are therefore sent to the checked address itself, while the Host
header and the certificate keep the name.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter

from ihp_backend.label_studio.web.address_policy import Reach, resolve
from ihp_backend.label_studio.web.connection_errors import explained
from ihp_backend.label_studio.web.proxies import Proxy, proxy_of
from ihp_backend.label_studio.web.tls_errors import ca_bundle

# At level DEBUG urllib3 logs whole addresses, with the signatures in them.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)


def send(
    request: requests.PreparedRequest, reach: Reach, timeout: tuple[float, float], proxies: bool = True
) -> requests.Response:
    """Send `request`, following no redirect, and return the answer with its body still to be read.

    An HTTP proxy of the environment (HTTPS_PROXY, NO_PROXY, ...) is used; it then looks the name up itself,
    and only what can be resolved here is checked. Certificates are trusted as REQUESTS_CA_BUNDLE says.
    ``~/.netrc`` is not read: it would replace our tokens.

    Args:
        request: prepared; its Host header is set here.
        reach: addresses that may be connected to.
        timeout: seconds to connect and seconds between two pieces of the answer.
        proxies: False goes round them.

    Raises:
        AddressRefused: the host leads out of reach.
        NoConnection: no such host, no connection, no answer in time.
    """
    url = str(request.url)
    proxy = proxy_of(url) if proxies else None
    addresses: list[str] = []
    try:
        if proxy:
            return _through(proxy, request, reach, timeout)
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        addresses = resolve(str(parts.hostname), port, reach)
        return _directly(request, addresses, port, timeout)
    except (OSError, ValueError) as error:
        raise explained(error, url, proxy, timeout, lambda: any(_speaks_tls(one, port) for one in addresses)) from None


def _through(
    proxy: Proxy, request: requests.PreparedRequest, reach: Reach, timeout: tuple[float, float]
) -> requests.Response:
    parts = urlsplit(str(request.url))
    with contextlib.suppress(OSError):
        resolve(str(parts.hostname), parts.port or 80, reach)
    return HTTPAdapter().send(request, stream=True, timeout=timeout, verify=_trusted(), proxies=proxy.by_scheme)


def _directly(
    request: requests.PreparedRequest, addresses: list[str], port: int, timeout: tuple[float, float]
) -> requests.Response:
    url = str(request.url)
    parts = urlsplit(url)
    host = str(parts.hostname)
    named = parts.scheme == "https" and not _is_address(host)
    pool = {"server_hostname": host, "assert_hostname": host} if named else {}
    request.headers["Host"] = parts.netloc.rpartition("@")[2]
    for number, address in enumerate(addresses, start=1):
        netloc = f"[{address}]" if ":" in address else address
        request.url = urlunsplit((parts.scheme, f"{netloc}:{port}", parts.path, parts.query, ""))
        try:
            return _PinnedAdapter(pool).send(request, stream=True, timeout=timeout, verify=_trusted())
        except requests.ConnectionError:
            # localhost is often ::1 and 127.0.0.1, with a server on one of them.
            if number == len(addresses):
                raise
        finally:
            request.url = url
    raise OSError("the name has no address")


def _trusted() -> str | bool:
    bundle = ca_bundle()
    return bundle[1] if bundle else True


def _speaks_tls(address: str, port: int) -> bool:
    """Whether a TLS handshake succeeds; nothing is sent over it, so that the certificate does not matter."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection((address, port), 2) as plain, context.wrap_socket(plain):
            return True
    except OSError:
        return False


class _PinnedAdapter(HTTPAdapter):
    """Connects to the address in the request's url; `pool` says which name its certificate must have."""

    def __init__(self, pool: dict[str, Any]) -> None:
        self._pool = pool
        super().__init__()

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, **options, **self._pool)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
