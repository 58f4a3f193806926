"""A parse as a benchmark repeats it: all clicks at once, or the next of many."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ihp_backend.clicks import Click
from ihp_backend.parsing import Parser, Scene
from ihp_backend.parsing.engines.onnx_engines import OnnxLiveEngine
from ihp_backend.parsing.scene import Parse


def at_once(parser: Parser, scene: Scene, clicks: Sequence[Click]) -> Callable[[], Parse]:
    """All clicks, as if none had been answered before."""

    def parse() -> Parse:
        if isinstance(parser._engine, OnnxLiveEngine):
            parser._engine.forget()
        return parser.parse(scene, clicks)

    return parse


def one_after_another(parser: Parser, scene: Scene, clicks: Sequence[Click]) -> Callable[[], Parse]:
    """Each time with one click more than the time before, of labels that are clicked already, near one of theirs."""
    rng, standing = np.random.default_rng(0), list(clicks)

    def parse() -> Parse:
        near = clicks[int(rng.integers(len(clicks)))]
        x, y = (
            int(np.clip(at + rng.integers(-9, 10), 0, side - 1))
            for at, side in ((near.x, scene.width), (near.y, scene.height))
        )
        standing.append(Click(x, y, near.label))
        return parser.parse(scene, standing)

    return parse
