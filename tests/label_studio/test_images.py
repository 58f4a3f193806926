"""ImageSource against real servers: where images come from, who sees the token, what is kept."""

from __future__ import annotations

import base64
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from ihp_backend.label_studio.web.images import ImageFetchError, ImageSettings, ImageSource

from .image_server import IMAGE, ImageServer, redirects, sends, status, wants, web_token

UPLOAD = "/data/upload/1/photo.jpg"
LEGACY = "0123456789abcdef0123456789abcdef01234567"


def source(server: ImageServer | None = None, **settings: Any) -> ImageSource:
    if server is not None:
        settings.setdefault("label_studio_url", server.url)
    return ImageSource(ImageSettings(**settings))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("data:image/png;base64," + base64.b64encode(IMAGE).decode(), IMAGE),
        ("DATA:image/png;BASE64," + base64.b64encode(IMAGE).decode(), IMAGE),
        ("data:image/png;base64,AAEC_w", b"\0\1\2\xff"),
        ("data:image/png;base64,AAEC%2Fw%3D%3D", b"\0\1\2\xff"),
        ("data:image/png;base64,AA EC\n/w==", b"\0\1\2\xff"),
        ("data:image/svg+xml,%3Csvg%2F%3E", b"<svg/>"),
        ("data:,abc", b"abc"),
        ("data:,\ud800", b"\xed\xa0\x80"),
    ],
)
def test_data_uris(url: str, expected: bytes) -> None:
    assert source().fetch(url) == expected


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("data:image/png;base64", "no comma"),
        ("data:image/png;base64,@@@@", "no valid base64"),
        ("data:image/png;base64,", "carries no bytes"),
        ("data:image/png;base64," + "A" * 200, "larger than max_bytes = 100"),
        ("data:," + "a" * 101, "larger than max_bytes = 100"),
        ("data:," + "a" * 1000, "larger than max_bytes = 100"),
    ],
)
def test_data_uris_refused(url: str, message: str) -> None:
    with pytest.raises(ImageFetchError, match=message) as caught:
        source(max_bytes=100).fetch(url)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (None, "no address"),
        ({"a": 1}, "no address"),
        ("  ", "no address"),
        ("ftp://host/a.jpg", "'ftp' addresses are not fetched"),
        ("file:///etc/passwd", "'file' addresses are not fetched"),
        ("C:\\photos\\a.jpg", "'c' addresses are not fetched"),
        ("/data/upload/1/a.jpg", "set LABEL_STUDIO_URL"),
        ("s3://bucket/a.jpg", "only Label Studio has the keys"),
        ("http://", "no http or https address"),
        ("http://[::1/a.jpg", "malformed address|no http or https address"),
        ("http://host:99999/a.jpg", "no http or https address"),
    ],
)
def test_addresses_refused(url: Any, message: str) -> None:
    with pytest.raises(ImageFetchError, match=message):
        source().fetch(url)


def test_an_upload_comes_with_the_configured_token(label_studio: ImageServer) -> None:
    label_studio.routes[UPLOAD] = wants(f"Token {LEGACY}")
    assert source(label_studio, label_studio_api_key=LEGACY).fetch(UPLOAD) == IMAGE


def test_an_upload_comes_with_what_setup_handed_over(label_studio: ImageServer) -> None:
    label_studio.routes[UPLOAD] = wants(f"Token {LEGACY}")
    images = source()
    assert images.fetch(UPLOAD, hostname=label_studio.url + "/", access_token=LEGACY) == IMAGE
    assert images.fetch(label_studio.url + UPLOAD, hostname=label_studio.url, access_token=LEGACY) == IMAGE


def test_settings_win_over_what_setup_handed_over(label_studio: ImageServer, elsewhere: ImageServer) -> None:
    label_studio.routes[UPLOAD] = wants(f"Token {LEGACY}")
    images = source(label_studio, label_studio_api_key=LEGACY)
    assert images.fetch(UPLOAD, hostname=elsewhere.url, access_token="f" * 40) == IMAGE
    assert elsewhere.asked == []


def test_the_configured_key_does_not_go_to_a_handed_over_host(elsewhere: ImageServer) -> None:
    elsewhere.routes[UPLOAD] = sends()
    assert source(label_studio_api_key=LEGACY).fetch(UPLOAD, hostname=elsewhere.url) == IMAGE
    assert elsewhere.asked[0].authorization is None


def test_the_browsers_name_of_label_studio_becomes_the_configured_one(label_studio: ImageServer) -> None:
    label_studio.routes[UPLOAD] = wants(f"Token {LEGACY}")
    images = source(label_studio, label_studio_api_key=LEGACY)
    assert images.fetch("https://label.example.org/ls" + UPLOAD, hostname="https://label.example.org/ls") == IMAGE


@pytest.mark.parametrize("written", ["/data/upload/1/photo.jpg", "/ls/data/upload/1/photo.jpg"])
@pytest.mark.parametrize("end", ["", "/"])
def test_label_studio_below_a_sub_path(label_studio: ImageServer, written: str, end: str) -> None:
    token = web_token(token_type="refresh")
    label_studio.routes["/ls" + UPLOAD] = wants("Bearer short")
    label_studio.routes["/ls/api/token/refresh/"] = sends(b'{"access": "short"}', "application/json")
    images = source(label_studio_url=label_studio.url + "/ls" + end, label_studio_api_key=token)
    assert images.fetch(written) == IMAGE


def test_a_personal_access_token_is_exchanged_once(label_studio: ImageServer) -> None:
    token, access = web_token(token_type="refresh"), web_token(token_type="access", iat=1000, exp=1300)
    label_studio.routes["/api/token/refresh/"] = sends(f'{{"access": "{access}"}}'.encode(), "application/json")
    for number in range(3):
        label_studio.routes[f"/data/upload/{number}.jpg"] = wants(f"Bearer {access}")
    images = source(label_studio, label_studio_api_key=token)
    for number in range(3):
        assert images.fetch(f"/data/upload/{number}.jpg") == IMAGE
    posts = [asked for asked in label_studio.asked if asked.method == "POST"]
    assert [asked.path for asked in posts] == ["/api/token/refresh/"]
    assert posts[0].body == f'{{"refresh": "{token}"}}'.encode()
    assert posts[0].authorization is None


def test_a_401_is_retried_once_with_a_new_access_token(label_studio: ImageServer) -> None:
    given: list[str] = []

    def gives_the_next_one(handler: BaseHTTPRequestHandler) -> None:
        given.append(f"access{len(given)}")
        sends(f'{{"access": "{given[-1]}"}}'.encode(), "application/json")(handler)

    label_studio.routes["/api/token/refresh/"] = gives_the_next_one
    label_studio.routes[UPLOAD] = wants("Bearer access1")
    images = source(label_studio, label_studio_api_key=web_token(token_type="refresh"))
    assert images.fetch(UPLOAD) == IMAGE
    assert given == ["access0", "access1"]

    label_studio.routes[UPLOAD] = status(401)
    before = len(label_studio.asked)
    with pytest.raises(ImageFetchError, match="status 401; Label Studio refused the token: set LABEL_STUDIO_API_KEY"):
        images.fetch(UPLOAD)
    assert label_studio.paths()[before:] == [UPLOAD, "/api/token/refresh/", UPLOAD]


def test_a_legacy_token_is_not_retried(label_studio: ImageServer) -> None:
    label_studio.routes[UPLOAD] = status(401)
    with pytest.raises(ImageFetchError, match="status 401; Label Studio refused the token"):
        source(label_studio, label_studio_api_key=LEGACY).fetch(UPLOAD)
    assert label_studio.paths() == [UPLOAD]


def test_the_token_goes_nowhere_else(label_studio: ImageServer, elsewhere: ImageServer) -> None:
    elsewhere.routes["/bucket/photo.jpg"] = sends()
    label_studio.routes[UPLOAD] = redirects(elsewhere.url + "/bucket/photo.jpg?signature=secret", 303)
    images = source(label_studio, label_studio_api_key=LEGACY, allow_private_addresses=True)
    assert images.fetch(UPLOAD) == IMAGE
    assert images.fetch(elsewhere.url + "/bucket/photo.jpg") == IMAGE
    assert label_studio.asked[0].authorization == f"Token {LEGACY}"
    assert [asked.authorization for asked in elsewhere.asked] == [None, None]
    assert not any(LEGACY in str(asked) for asked in elsewhere.asked)


def test_the_token_follows_a_redirect_inside_label_studio(label_studio: ImageServer) -> None:
    label_studio.routes[UPLOAD] = redirects("/media/photo.jpg")
    label_studio.routes["/media/photo.jpg"] = wants(f"Token {LEGACY}")
    assert source(label_studio, label_studio_api_key=LEGACY).fetch(UPLOAD) == IMAGE


def test_an_upload_in_the_cloud_has_another_route(label_studio: ImageServer) -> None:
    label_studio.routes["/storage-data/uploaded/"] = wants(f"Token {LEGACY}")
    assert source(label_studio, label_studio_api_key=LEGACY).fetch(UPLOAD) == IMAGE
    assert label_studio.paths() == [UPLOAD, "/storage-data/uploaded/?filepath=upload/1/photo.jpg"]


def test_cloud_addresses_are_resolved_by_label_studio(label_studio: ImageServer, elsewhere: ImageServer) -> None:
    label_studio.routes["/tasks/7/presign/"] = redirects(elsewhere.url + "/photo.jpg?signature=secret")
    elsewhere.routes["/photo.jpg"] = sends()
    images = source(label_studio, label_studio_api_key=LEGACY, allow_private_addresses=True)
    assert images.fetch("s3://bucket/photo?.jpg", task_id=7) == IMAGE
    packed = label_studio.paths()[0].partition("?fileuri=")[2].replace("%3D", "=")
    assert base64.urlsafe_b64decode(packed) == b"s3://bucket/photo?.jpg"


def test_a_storage_may_redirect_to_a_data_uri(label_studio: ImageServer) -> None:
    label_studio.routes["/tasks/7/presign/"] = redirects("data:image/png;base64," + base64.b64encode(IMAGE).decode())
    assert source(label_studio).fetch("gs://bucket/photo.jpg", task_id=7) == IMAGE


def test_local_files_are_read_or_asked_for(label_studio: ImageServer, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "here.jpg").write_bytes(b"read directly")
    (tmp_path / "secret").write_bytes(b"secret")
    label_studio.routes["/data/local-files/"] = sends(b"from Label Studio")
    images = source(label_studio, local_files_root=root)
    assert images.fetch("/data/local-files/?d=here.jpg") == b"read directly"
    assert images.fetch(label_studio.url + "/data/local-files/?d=here.jpg") == b"read directly"
    assert label_studio.asked == []
    assert images.fetch("/data/local-files/?d=../secret") == b"from Label Studio"
    assert source(label_studio).fetch("/data/local-files/?d=here.jpg") == b"from Label Studio"
    assert source(local_files_root=root).fetch("/data/local-files/?d=here.jpg") == b"read directly"


def test_a_local_file_that_is_not_there_was_looked_for(tmp_path: Path) -> None:
    """Without Label Studio's address nobody else can be asked for it."""
    address = "/data/local-files/?d=shots%5Cp1.png"
    images = source(local_files_root=tmp_path)
    with pytest.raises(ImageFetchError) as caught:
        images.fetch(address)
    assert str(caught.value) == (
        f"image /data/local-files/?d=shots\\p1.png: not found in local_files_root = {tmp_path}, and Label Studio's own "
        "address is not known; put the file there, correct IHP_LOCAL_FILES_ROOT, or set LABEL_STUDIO_URL and "
        "LABEL_STUDIO_API_KEY"
    )
    (tmp_path / "shots").mkdir()
    (tmp_path / "shots/p1.png").write_bytes(b"here")
    assert images.fetch(address) == b"here"
    for other, path in ((images, "/data/upload/1/p1.png"), (source(), address)):
        with pytest.raises(ImageFetchError, match=r"a relative address, and Label Studio's own is not known"):
            other.fetch(path)


def test_a_kept_image_is_not_fetched_again(label_studio: ImageServer, tmp_path: Path) -> None:
    label_studio.routes[UPLOAD] = sends()
    for _ in range(2):
        images = source(label_studio, cache_dir=tmp_path / "cache")
        assert images.fetch(UPLOAD) == images.fetch(UPLOAD) == IMAGE
    assert label_studio.paths() == [UPLOAD]


def test_an_unusable_cache_folder_fails_nothing(
    label_studio: ImageServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_bytes(b"")
    label_studio.routes[UPLOAD] = sends()
    images = source(label_studio, cache_dir=tmp_path / "file" / "cache")
    assert images.fetch(UPLOAD) == images.fetch(UPLOAD) == IMAGE
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_threads_share_one_download(label_studio: ImageServer) -> None:
    release = threading.Event()

    def waits(handler: BaseHTTPRequestHandler) -> None:
        release.wait(10)
        sends()(handler)

    label_studio.routes[UPLOAD] = waits
    images = source(label_studio)
    with ThreadPoolExecutor(4) as pool:
        results = [pool.submit(images.fetch, UPLOAD) for _ in range(4)]
        while not label_studio.asked:
            time.sleep(0.01)
        time.sleep(0.1)
        release.set()
        assert [result.result() for result in results] == [IMAGE] * 4
    assert label_studio.paths() == [UPLOAD]
    images.fetch(UPLOAD)
    assert len(label_studio.paths()) == 2, "without a cache nothing is remembered after the download"


def test_threads_with_different_tokens_share_nothing(label_studio: ImageServer) -> None:
    label_studio.routes[UPLOAD] = wants("Token right", then=sends())
    images = source(label_studio)
    with ThreadPoolExecutor(8) as pool:
        tokens = ["right", "wrong"] * 10
        results = [pool.submit(images.fetch, UPLOAD, access_token=token) for token in tokens]
    assert [result.exception() is None for result in results] == [token == "right" for token in tokens]


def test_no_secret_in_texts_and_logs(
    label_studio: ImageServer, elsewhere: ImageServer, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    token = web_token(token_type="refresh", note="hush")
    label_studio.routes["/api/token/refresh/"] = sends(b'{"access": "hush-access"}', "application/json")
    label_studio.routes["/good"] = sends()
    label_studio.routes[UPLOAD] = redirects(elsewhere.url + "/gone.jpg?signature=hush")
    images = source(label_studio, label_studio_api_key=token, allow_private_addresses=True, cache_dir=tmp_path)
    images.fetch("/good?signature=hush")
    texts = []
    for url in (
        UPLOAD,
        f"http://user:hush@{elsewhere.url[7:]}/gone.jpg?signature=hush#hush",
        "http://127.0.0.1:1/closed.jpg?signature=hush",
        "http://no-such-host.invalid/a.jpg?signature=hush",
        "http://169.254.169.254/latest?signature=hush",
    ):
        with pytest.raises(ImageFetchError) as caught:
            images.fetch(url)
        assert caught.value.__cause__ is None
        texts.append(str(caught.value))
    assert "gone.jpg" in texts[0]
    written = "\n".join([*texts, caplog.text, repr(images._settings)])
    assert "hush" not in written
    assert token not in written
