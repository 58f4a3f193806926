"""The limits of a download: addresses, redirects, bytes, time, broken answers."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from ihp_backend.label_studio.web.images import ImageFetchError, ImageSettings, ImageSource

from .image_server import IMAGE, ImageServer, drips, redirects, sends, status


def source(**settings: Any) -> ImageSource:
    return ImageSource(ImageSettings(**settings))


def lan(**settings: Any) -> ImageSource:
    return source(allow_private_addresses=True, **settings)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"])
def test_loopback_is_refused_however_it_is_written(elsewhere: ImageServer, host: str) -> None:
    elsewhere.routes["/a.jpg"] = sends()
    with pytest.raises(ImageFetchError, match="private or loopback address; set IHP_ALLOW_PRIVATE_ADDRESSES"):
        source().fetch(f"http://{host}:{elsewhere.server_address[1]}/a.jpg")
    assert elsewhere.asked == []


@pytest.mark.parametrize("allowed", [False, True])
def test_metadata_is_always_refused(allowed: bool) -> None:
    images = source(allow_private_addresses=allowed)
    for hostname in (None, "http://169.254.169.254"):
        with pytest.raises(ImageFetchError, match=r"169\.254\.169\.254, a link-local or metadata address"):
            images.fetch("http://169.254.169.254/latest/meta-data", hostname=hostname)


def test_a_redirect_into_the_local_network_is_refused(label_studio: ImageServer, elsewhere: ImageServer) -> None:
    label_studio.routes["/a.jpg"] = redirects(elsewhere.url + "/admin")
    elsewhere.routes["/admin"] = sends()
    with pytest.raises(ImageFetchError, match="private or loopback"):
        source(label_studio_url=label_studio.url).fetch("/a.jpg")
    assert elsewhere.asked == []


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://host/a"])
def test_a_redirect_to_another_scheme_is_refused(elsewhere: ImageServer, target: str) -> None:
    elsewhere.routes["/a.jpg"] = redirects(target)
    with pytest.raises(ImageFetchError, match="no http or https address"):
        lan().fetch(elsewhere.url + "/a.jpg")


def test_the_checked_address_is_the_one_connected_to(elsewhere: ImageServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that leads elsewhere at its second look-up: the second one never happens."""
    real, looked_up = socket.getaddrinfo, []

    def rebinding(host: Any, *arguments: Any, **options: Any) -> Any:
        if host != "images.example.org":
            return real(host, *arguments, **options)
        looked_up.append(host)
        return real("127.0.0.1" if len(looked_up) == 1 else "127.0.0.2", *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    elsewhere.routes["/a.jpg"] = sends()
    port = elsewhere.server_address[1]
    assert lan().fetch(f"http://images.example.org:{port}/a.jpg?b=c%20d") == IMAGE
    assert looked_up == ["images.example.org"]
    assert elsewhere.asked[0].headers["host"] == f"images.example.org:{port}"
    assert elsewhere.asked[0].path == "/a.jpg?b=c%20d"


def test_all_addresses_of_a_name_are_tried(elsewhere: ImageServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """localhost is often ::1 first, and the server listens on 127.0.0.1; here, 127.0.0.2 is the one without."""
    real = socket.getaddrinfo

    def two(host: Any, *arguments: Any, **options: Any) -> Any:
        hosts = ["127.0.0.2", "127.0.0.1"] if host == "images.example.org" else [host]
        return [entry for name in hosts for entry in real(name, *arguments, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", two)
    elsewhere.routes["/a.jpg"] = sends()
    assert lan().fetch(f"http://images.example.org:{elsewhere.server_address[1]}/a.jpg") == IMAGE


def test_a_proxy_of_the_environment_is_used(elsewhere: ImageServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", elsewhere.url)
    elsewhere.routes["http://no-such-host.invalid/a.jpg"] = sends()
    assert source().fetch("http://no-such-host.invalid/a.jpg") == IMAGE
    with pytest.raises(ImageFetchError, match="link-local or metadata"):
        source().fetch("http://169.254.169.254/a.jpg")


def test_netrc_adds_nothing(elsewhere: ImageServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    elsewhere.routes["/a.jpg"] = sends()
    lan().fetch(elsewhere.url + "/a.jpg")
    assert elsewhere.asked[0].authorization is None


def test_redirects_are_counted(elsewhere: ImageServer) -> None:
    for number in range(5):
        elsewhere.routes[f"/{number}"] = redirects(f"/{number + 1}", (301, 302, 303, 307, 308)[number])
    elsewhere.routes["/5"] = sends()
    assert lan().fetch(elsewhere.url + "/0") == IMAGE
    elsewhere.routes["/start"] = redirects("0")
    with pytest.raises(ImageFetchError, match=r"/start: more than 5 redirects"):
        lan().fetch(elsewhere.url + "/start")


@pytest.mark.parametrize("size", [999, 1000, 1001])
@pytest.mark.parametrize("announced", [True, False])
def test_max_bytes(elsewhere: ImageServer, size: int, announced: bool) -> None:
    elsewhere.routes["/a.jpg"] = sends(b"x" * size) if announced else drips(1, 0, b"x" * size)
    images = lan(max_bytes=1000)
    if size > 1000:
        with pytest.raises(ImageFetchError, match="larger than max_bytes = 1000"):
            images.fetch(elsewhere.url + "/a.jpg")
    else:
        assert len(images.fetch(elsewhere.url + "/a.jpg")) == size


def test_an_endless_answer_ends(elsewhere: ImageServer) -> None:
    elsewhere.routes["/a.jpg"] = drips(10**9, 0, b"x" * 65536)
    with pytest.raises(ImageFetchError, match="larger than max_bytes"):
        lan(max_bytes=1_000_000).fetch(elsewhere.url + "/a.jpg")


def test_a_silent_server_times_out(elsewhere: ImageServer) -> None:
    elsewhere.routes["/a.jpg"] = drips(1, 10)
    with pytest.raises(ImageFetchError, match=r"timed out \(connect 5 s, read 1 s"):
        lan(read_seconds=1).fetch(elsewhere.url + "/a.jpg")


def test_a_dripping_server_times_out(elsewhere: ImageServer) -> None:
    elsewhere.routes["/a.jpg"] = drips(100, 0.05, b"x" * 65536)
    with pytest.raises(ImageFetchError, match="timed out"):
        lan(read_seconds=1, total_seconds=0.3).fetch(elsewhere.url + "/a.jpg")


def test_broken_answers(elsewhere: ImageServer) -> None:
    elsewhere.routes["/short"] = sends(IMAGE, Content_Length="1000")
    elsewhere.routes["/empty"] = sends(b"")
    elsewhere.routes["/page"] = sends(b"<html>", "text/html; charset=utf-8")
    elsewhere.routes["/part"] = sends(IMAGE, code=206, Content_Range=f"bytes 0-{len(IMAGE) - 1}/1000000")
    elsewhere.routes["/whole"] = sends(IMAGE, code=206, Content_Range=f"bytes 0-{len(IMAGE) - 1}/{len(IMAGE)}")
    images = lan()
    for path, message in {
        "/short": "broke off before its end",
        "/empty": "the answer is empty",
        "/page": "a web page",
        "/part": "only a part of the file",
    }.items():
        with pytest.raises(ImageFetchError, match=message):
            images.fetch(elsewhere.url + path)
    assert images.fetch(elsewhere.url + "/whole") == IMAGE


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (401, "status 401; the address wants a login or has expired"),
        (403, "status 403; the address wants a login or has expired"),
        (404, "status 404; no such file"),
        (500, "status 500; the server has a problem"),
        (302, "status 302; a redirect without a target"),
    ],
)
def test_statuses(elsewhere: ImageServer, code: int, message: str) -> None:
    elsewhere.routes["/a.jpg"] = status(code)
    with pytest.raises(ImageFetchError, match=message):
        lan().fetch(elsewhere.url + "/a.jpg")


def test_401_without_a_token_says_where_to_get_one(label_studio: ImageServer) -> None:
    label_studio.routes["/data/upload/a.jpg"] = status(401)
    with pytest.raises(ImageFetchError, match="status 401; set LABEL_STUDIO_API_KEY"):
        source(label_studio_url=label_studio.url).fetch("/data/upload/a.jpg")


def test_403_of_label_studio_is_about_rights(label_studio: ImageServer) -> None:
    label_studio.routes["/data/local-files/"] = status(403)
    with pytest.raises(ImageFetchError, match=r"d=a.jpg: status 403; Label Studio denies it.*IHP_LOCAL_FILES_ROOT"):
        source(label_studio_url=label_studio.url, label_studio_api_key="key").fetch("/data/local-files/?d=a.jpg")
