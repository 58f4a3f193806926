"""Addresses of one Label Studio: which ones are its own, and what its relative paths mean."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

Origin = tuple[str, str, int]

_DEFAULT_PORTS = {"http": 80, "https": 443}
QUOTES = "\"'`\u201c\u201d\u2018\u2019"
# What editors and web pages leave around a copied text, besides white space.
_INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060"


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


def login_in(url: str) -> str | None:
    """``user:password`` of an address that has them, percent-decoded."""
    login, at, _ = urlsplit(url).netloc.rpartition("@")
    return unquote(login) if at else None


def without_login(url: str) -> str:
    """An address without its user and password."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def unwrapped(text: str) -> str:
    """A copied text without white space and quotes around it."""
    before = ""
    while text != before:
        before, text = text, text.strip().strip(_INVISIBLE)
        if len(text) > 1 and text[0] in QUOTES and text[-1] in QUOTES:
            text = text[1:-1]
    return text


def why_no_address(text: str, example: str = "http://label-studio:8080") -> str:
    """The fault of a text that is to be an address, and the remedy; empty if there is none.

    Nothing before the last @ is told, as it may be a password, and nothing that looks like a token.
    """
    told = re.sub(r"^(\w+:/+)?.*@", r"\1...@", text, flags=re.DOTALL)
    told = repr(told) if len(told) <= 200 and not re.fullmatch(r"[0-9a-fA-F]{40}|eyJ\S*", told) else "its value"
    if "\\" in text:
        return f"{told} has a backslash; write slashes"
    if any(character.isspace() or not character.isprintable() for character in text):
        return f"{told} has a blank or an invisible character in it; remove it"
    if re.fullmatch(r"(?i)https?:?/{0,2}", text):
        return f"{told} names no host; give one like {example}"
    if not re.match(r"(?i)https?://", text):
        if re.match(r"(?i)https?[:/;,.]+", text):
            return f"{told} does not begin with http:// or https://; correct its beginning"
        return f"{told} is no absolute address: http:// or https:// is missing; give one like {example}"
    try:
        origin(text)
        usable = "@" not in text.rpartition(urlsplit(text).netloc)[2]
    except ValueError:
        usable = False
    if not usable:
        return (
            f"{told} has no host or no port that can be used; give one like {example}, and write characters such as / "
            "? # and @ of a password as %2F %3F %23 and %40"
        )
    return ""


@dataclass(frozen=True)
class LabelStudioAddress:
    """A Label Studio and the token for it.

    Attributes:
        base: its address, perhaps with a sub-path, without a slash at the end.
        token: legacy or personal access token; None where none is known.
        configured: True if the operator named this address, False if a request brought it along.
        login: ``user:password`` for the basic auth of a server in front of it; None for none.
    """

    base: str
    token: str | None = field(repr=False)
    configured: bool
    login: str | None = field(default=None, repr=False)

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
