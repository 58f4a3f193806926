"""In which shape clicks on brush labels are answered, and how Label Studio's version is found out for that."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from packaging.version import Version

from ihp_backend.label_studio.brush_answers import AUTO, PICTURE, RLE, BrushAnswers
from ihp_backend.label_studio.web.image_settings import ImageSettings
from ihp_backend.label_studio.web.label_studio_address import LabelStudioAddress
from ihp_backend.label_studio.web.label_studio_version import LabelStudioVersions, version_of

from .image_server import Answer, ImageServer, redirects, sends, status

PATH = "/api/version/"


@pytest.fixture
def label_studio() -> Iterator[ImageServer]:
    with ImageServer() as server:
        yield server
        server.shutdown()


def tells(release: object, **more: object) -> Answer:
    return sends(json.dumps({"release": release, **more}).encode(), "application/json")


def settings(server: ImageServer | None) -> ImageSettings:
    return ImageSettings(label_studio_url=server.url if server else None)


@pytest.mark.parametrize(
    ("told", "version"),
    [
        ({"release": "1.23.2"}, "1.23.2"),
        ({"release": "1.12.0.post1", "label-studio-os-package": {"version": "1.12.0.post1"}}, "1.12.0.post1"),
        ({"release": "2.4.1", "label-studio-os-package": {"version": "1.7.1"}}, "1.7.1"),
        ({"release": "development"}, None),
        ({"release": None}, None),
        ({}, None),
        ([], None),
        ("1.23.2", None),
    ],
)
def test_what_label_studio_tells_of_its_version(told: Any, version: str | None) -> None:
    assert version_of(told) == (None if version is None else Version(version))


@pytest.mark.parametrize(
    ("wanted", "answer", "pictures"),
    [
        (AUTO, tells("1.23.2"), True),
        (AUTO, tells("1.7.2"), True),
        (AUTO, tells("1.7.1"), False),
        (AUTO, tells("1.7.2.dev0"), False),
        (AUTO, tells("0.9.1"), False),
        (AUTO, tells("?"), True),
        (AUTO, status(500), True),
        (AUTO, sends(b"<html>", "text/html"), True),
        (AUTO, sends(b"soon", "text/plain"), True),
        (AUTO, redirects("/user/login/"), True),
        (PICTURE, tells("1.7.1"), True),
        (RLE, tells("1.23.2"), False),
    ],
)
def test_pictures_but_for_a_label_studio_that_says_it_is_too_old(
    label_studio: ImageServer, wanted: str, answer: Answer, pictures: bool
) -> None:
    label_studio.routes[PATH] = answer
    configured = BrushAnswers(wanted, settings(label_studio))
    assert [configured.are_pictures() for _ in range(3)] == [pictures] * 3
    told = BrushAnswers(wanted, ImageSettings(allow_private_addresses=True))
    assert told.are_pictures() == (wanted != RLE), "where none is known, none is asked"
    if wanted != AUTO:
        assert label_studio.asked == []


def test_it_is_asked_once_before_the_first_click_and_needs_no_token(label_studio: ImageServer) -> None:
    label_studio.routes[PATH] = tells("1.7.1")
    answers = BrushAnswers(AUTO, settings(label_studio))
    answers.prepare("http://localhost:8080", "a token of /setup")
    assert not answers.are_pictures("http://localhost:8080", "a token of /setup")
    assert not answers.are_pictures()
    assert label_studio.paths() == [PATH], "the operator's address is the one that counts"


class Slow:
    """Answers when it is let go."""

    def __init__(self, release: str) -> None:
        self.release, self.go = release, threading.Event()

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        self.go.wait(30)
        tells(self.release)(handler)


def test_nobody_waits_for_a_label_studio_that_does_not_answer(label_studio: ImageServer) -> None:
    now = [0.0]
    versions = LabelStudioVersions(settings(label_studio), clock=lambda: now[0])
    address = LabelStudioAddress(label_studio.url, None, configured=True)
    slow = label_studio.routes[PATH] = Slow("1.7.1")
    assert versions.of(address, patience=0.01) is None
    slow.go.set()
    assert versions.of(address, patience=30) == Version("1.7.1")
    # Asked again later, while everybody goes on with what was known.
    again = label_studio.routes[PATH] = Slow("1.23.2")
    now[0] = 1000.0
    assert versions.of(address, patience=30) == Version("1.7.1")
    again.go.set()
    for _ in range(3000):
        if versions.of(address) == Version("1.23.2"):
            break
        threading.Event().wait(0.01)
    assert versions.of(address) == Version("1.23.2")
    # Gone for a while: it is still that one.
    label_studio.routes[PATH] = status(503)
    now[0] = 2000.0
    assert versions.of(address, patience=30) == Version("1.23.2")
    assert len(label_studio.asked) <= 3
