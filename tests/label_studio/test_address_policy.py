"""Which addresses are public, which are private, which are nobody's business."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from typing import Any

import pytest

from ihp_backend.label_studio.web.address_policy import AddressRefused, Reach, reach_of, resolve
from ihp_backend.label_studio.web.image_errors import shown
from ihp_backend.label_studio.web.label_studio_address import LabelStudioAddress, base_url, origin


@pytest.mark.parametrize(
    ("address", "reach"),
    [
        ("93.184.215.14", Reach.PUBLIC),
        ("2606:2800:220:1::1", Reach.PUBLIC),
        ("64:ff9b::5db8:d70e", Reach.PUBLIC),
        ("127.0.0.1", Reach.PRIVATE),
        ("127.8.9.10", Reach.PRIVATE),
        ("0.0.0.0", Reach.PRIVATE),
        ("10.1.2.3", Reach.PRIVATE),
        ("172.31.0.1", Reach.PRIVATE),
        ("192.168.1.1", Reach.PRIVATE),
        ("100.64.0.1", Reach.PRIVATE),
        ("::1", Reach.PRIVATE),
        ("::", Reach.PRIVATE),
        ("fd12::1", Reach.PRIVATE),
        ("::ffff:10.0.0.1", Reach.PRIVATE),
        ("64:ff9b::a00:1", Reach.PRIVATE),
        ("2002:7f00:1::", Reach.PRIVATE),
        ("169.254.169.254", Reach.ANY),
        ("::ffff:169.254.169.254", Reach.ANY),
        ("64:ff9b::a9fe:a9fe", Reach.ANY),
        ("fe80::1", Reach.ANY),
        ("fd00:ec2::254", Reach.ANY),
        ("100.100.100.200", Reach.ANY),
        ("168.63.129.16", Reach.ANY),
        ("224.0.0.1", Reach.ANY),
    ],
)
def test_reach_of(address: str, reach: Reach) -> None:
    assert reach_of(ip_address(address)) is reach


def test_one_refused_address_refuses_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def answers(*arguments: Any, **options: Any) -> list[Any]:
        return [(0, 0, 0, "", ("93.184.215.14", 80)), (0, 0, 0, "", ("10.0.0.1", 80))]

    monkeypatch.setattr(socket, "getaddrinfo", answers)
    with pytest.raises(AddressRefused, match=r"mixed.example leads to 10\.0\.0\.1, a private or loopback address"):
        resolve("mixed.example", 80, Reach.PUBLIC)
    assert resolve("mixed.example", 80, Reach.PRIVATE) == ["93.184.215.14", "10.0.0.1"]


@pytest.mark.parametrize("host", ["a" * 70 + ".example", "no-such-host.invalid", ".."])
def test_names_that_are_none(host: str) -> None:
    with pytest.raises(OSError, match=r".+"):
        resolve(host, 80, Reach.ANY)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://host/a", ("http", "host", 80)),
        ("HTTPS://Host:8443", ("https", "host", 8443)),
        ("https://user:password@host/", ("https", "host", 443)),
        ("http://bücher.example/", ("http", "xn--bcher-kva.example", 80)),
    ],
)
def test_origin(url: str, expected: tuple[str, str, int]) -> None:
    assert origin(url) == expected


@pytest.mark.parametrize("url", ["", "host", "/path", "ftp://host", "http://", "http://host:port/", "http://[::1"])
def test_no_origin(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        origin(url)


@pytest.mark.parametrize(
    ("url", "owned"),
    [
        ("http://host:8080/data/a", True),
        ("http://HOST:8080/other", True),
        ("https://host:8080/data/a", False),
        ("http://host/data/a", False),
        ("http://host:8080@elsewhere/data/a", False),
        ("http://host.elsewhere:8080/", False),
        ("http://elsewhere/?http://host:8080", False),
    ],
)
def test_owns(url: str, owned: bool) -> None:
    assert LabelStudioAddress("http://host:8080/ls", None, configured=True).owns(url) is owned


def test_paths_and_absolute_addresses() -> None:
    address = LabelStudioAddress(base_url("http://me:secret@host/ls//?x=1"), "token", configured=True)
    assert address.base == "http://host/ls"
    assert "token" not in repr(address)
    assert address.absolute("/data/a?b=c") == address.absolute("ls/data/a?b=c") == "http://host/ls/data/a?b=c"
    assert address.absolute("/lsd/a") == "http://host/ls/lsd/a"
    assert address.path_of("http://host/ls/data/a?b=c") == "/data/a?b=c"
    assert address.path_of("http://host/data/a") is None
    assert address.path_of("http://elsewhere/ls/data/a") is None


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("https://me:secret@host:8/a/b.jpg?signature=secret#secret", "https://host:8/a/b.jpg"),
        ("http://me:se/cret@host/a.jpg", "http://host/a.jpg"),
        ("http://me:se#cr@et@host:8/a.jpg", "http://host:8/a.jpg"),
        ("//me:secret@host/a.jpg?x=a@b", "//host/a.jpg"),
        ("me:secret@host/a.jpg", "host/a.jpg"),
        ("s3://bucket/a:b@c.jpg", "s3://bucket/a:b@c.jpg"),
        ("http://host:8080/a@b.jpg", "http://host:8080/a@b.jpg"),
        ("/data/local-files/?d=a%20b.jpg", "/data/local-files/?d=a b.jpg"),
        ("data:image/png;base64,AAAA", "data:image/png;base64,... (26 characters)"),
        ("http://[::1", "<malformed address>"),
        ("/a\u202eb", "/a?b"),
        (None, "<NoneType>"),
    ],
)
def test_shown(url: object, text: str) -> None:
    assert shown(url) == text
    assert len(shown("http://host/" + "a" * 1000)) < 130


@pytest.mark.timeout(60)  # Hours, where a login is looked for anew from every colon.
@pytest.mark.parametrize("end", ["", " @", "@", "/@"])
def test_a_long_address_is_shown_at_once(end: str) -> None:
    assert len(shown("http://" + "a:" * 300_000 + end)) < 130
