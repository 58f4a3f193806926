"""Addresses of one Label Studio: which ones are its own, and what its relative paths mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

Origin = tuple[str, str, int]

_DEFAULT_PORTS = {"http": 80, "https": 443}


def origin(url: str) -> Origin:
    """Scheme, host and port of an absolute http or https address.

    Raises:
        ValueError: another scheme, no host, or a port that is none.
    """
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError("not an absolute http or https address")
    # One spelling for names outside ASCII: connections are made to the encoded one.
    host = parts.hostname if parts.hostname.isascii() else parts.hostname.encode("idna").decode()
    return parts.scheme, host, parts.port or _DEFAULT_PORTS[parts.scheme]


def base_url(url: str) -> str:
    """`url` as a base to append paths to: a sub-path is kept, the slash at the end, query and password are not.

    Raises:
        ValueError: as `origin`.
    """
    origin(url)
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"


@dataclass(frozen=True)
class LabelStudioAddress:
    """A Label Studio and the token for it.

    Attributes:
        base: its address, perhaps with a sub-path, without a slash at the end.
        token: legacy or personal access token; None where none is known.
        configured: True if the operator named this address, False if a request brought it along.
    """

    base: str
    token: str | None = field(repr=False)
    configured: bool

    def owns(self, url: str) -> bool:
        """Whether `url` (absolute) has this Label Studio's scheme, host and port."""
        try:
            return origin(url) == origin(self.base)
        except ValueError:
            return False

    def absolute(self, path: str) -> str:
        """A relative address of a task's data (path and query) as an absolute one.

        Behind a sub-path Label Studio writes some addresses with the sub-path and some without it.
        """
        path = "/" + path.lstrip("/")
        prefix = urlsplit(self.base).path
        if prefix and path.startswith(prefix + "/"):
            path = path[len(prefix) :]
        return self.base + path

    def path_of(self, url: str) -> str | None:
        """Path and query of `url` below this Label Studio's base; None for other addresses."""
        if not self.owns(url):
            return None
        parts = urlsplit(url)
        prefix = urlsplit(self.base).path
        if prefix and not parts.path.startswith(prefix + "/"):
            return None
        return parts.path[len(prefix) :] + (f"?{parts.query}" if parts.query else "")
