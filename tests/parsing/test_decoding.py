"""What is kept from click to click answers as a decoder does that begins anew."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from ihp_backend.clicks import Click
from ihp_backend.labels import CCP, LabelSet
from ihp_backend.parsing import Parser
from ihp_backend.parsing.checkpoint import AnswerError
from ihp_backend.parsing.engines import onnx_engines
from ihp_backend.parsing.engines.onnx_engines import OnnxLiveEngine
from ihp_backend.parsing.last_answer import LastAnswer

PHOTOGRAPH = Path(__file__).parents[2] / "examples" / "photographs" / "eileen_collins.jpg"
OWN = LabelSet(("background", "hair", "left cheek", "flag", "coat"))


@pytest.fixture(scope="module")
def portrait() -> NDArray[np.uint8]:
    image = np.asarray(Image.open(PHOTOGRAPH).convert("RGB"))
    return np.asarray(cv2.resize(image, (160, 208), interpolation=cv2.INTER_AREA), np.uint8)


@pytest.fixture(scope="module")
def kept() -> Parser:
    return Parser.from_pretrained()


@pytest.fixture(scope="module")
def anew() -> Parser:
    return Parser.from_pretrained()


def forget(parser: Parser) -> None:
    assert isinstance(parser._engine, OnnxLiveEngine)
    parser._engine.forget()


def overflow(given: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    """A decoder whose numbers are none any more."""
    return np.full(given["fine"].shape[2:], np.nan, np.float32)


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["click", "click", "against", "take back", "drag", "draw", "labels", "last"]),
        st.integers(0, 159),
        st.integers(0, 207),
        st.integers(0, 4),
    ),
    min_size=1,
    max_size=12,
)


@given(CHANGES)
@settings(max_examples=25, deadline=None)
def test_any_order_of_clicks_is_answered_as_if_it_came_at_once(
    kept: Parser, anew: Parser, portrait: NDArray[np.uint8], changes: list[tuple[str, int, int, int]]
) -> None:
    clicks: list[Click] = []
    drawn, last, labels = None, None, CCP
    scene, other = kept.open(portrait), anew.open(portrait)
    for kind, x, y, label in changes:
        if kind in ("click", "against"):
            clicks = [*clicks, Click(x, y, label, kind == "click")]
        elif kind == "take back":
            clicks = [click for number, click in enumerate(clicks) if number != label]
        elif kind == "drag":
            clicks = [replace(click, x=x, y=y) if number == label else click for number, click in enumerate(clicks)]
        elif kind == "draw":
            drawn = np.full(portrait.shape[:2], 255, np.uint8)
            drawn[y : y + 30, x : x + 30] = label
        elif kind == "labels":
            labels, last = (OWN if labels is CCP else CCP), None
        parse = kept.with_labels(labels).parse(scene, clicks, drawn, last)
        forget(anew)
        wanted = anew.with_labels(labels).parse(other, clicks, drawn, last)
        assert (parse.label_map != wanted.label_map).mean() < 0.01
        if kind == "last":
            last = LastAnswer.of(parse, clicks)


def test_a_click_taken_back_leaves_nothing_behind(kept: Parser, portrait: NDArray[np.uint8]) -> None:
    scene, clicks = kept.open(portrait), [Click(80, 40, 2), Click(80, 100, 13), Click(100, 180, 7)]
    before = kept.parse(scene, clicks)
    kept.parse(scene, [*clicks, Click(30, 30, 7), Click(120, 40, 13, positive=False)])
    np.testing.assert_array_equal(kept.parse(scene, clicks).label_map, before.label_map)


def test_what_is_kept_is_bounded(portrait: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_engines, "MOST_BYTES", 8 << 20)
    parser = Parser.from_pretrained()
    scenes = [parser.open(portrait) for _ in range(4)]
    for scene in scenes:
        parser.parse(scene, [Click(80, 40, 2)])
    assert isinstance(parser._engine, OnnxLiveEngine)
    assert 0 < len(parser._engine._decodings) < 4
    assert parser._engine._decodings.currsize <= 8 << 20


def test_what_is_kept_goes_with_the_photograph(portrait: NDArray[np.uint8]) -> None:
    parser = Parser.from_pretrained()
    closed, scene = parser.open(portrait), parser.open(portrait)
    parser.parse(closed, [Click(80, 40, 2)])
    del closed
    gc.collect()
    parser.parse(scene, [Click(80, 40, 2)])
    assert isinstance(parser._engine, OnnxLiveEngine)
    assert list(parser._engine._decodings) == [scene.features.features.number]


@pytest.mark.parametrize(("run", "error"), [(lambda given: 1 / 0, ZeroDivisionError), (overflow, AnswerError)])
def test_a_decoder_that_fails_leaves_nothing_behind(
    portrait: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch, run: Any, error: type[Exception]
) -> None:
    parser = Parser.from_pretrained()
    scene, clicks = parser.open(portrait), [Click(80, 40, 2), Click(80, 100, 13)]
    wanted = parser.parse(scene, clicks).label_map
    assert isinstance(parser._engine, OnnxLiveEngine)
    with monkeypatch.context() as patch:
        patch.setattr(parser._engine, "_run", run)
        with pytest.raises(error):
            parser.parse(scene, [Click(10, 10, 7), *clicks])
    np.testing.assert_array_equal(parser.parse(scene, clicks).label_map, wanted)
