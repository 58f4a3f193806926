"""The interaction protocol with parsers whose answers are known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from ihp_backend.clicks import Click
from ihp_backend.datasets import CcpDataset
from ihp_backend.evaluation import Annotator, Curve, interaction_curve
from ihp_backend.parsing import Parse, Parser, Scene


class NearestClick:
    """Gives every pixel the label of the click nearest to it."""

    def open(self, image: NDArray[np.uint8]) -> Scene:
        return Scene(image.shape[0], image.shape[1], scale=1.0, features=None)

    def parse(self, scene: Scene, clicks: Sequence[Click], previous: NDArray[np.uint8] | None = None) -> Parse:
        rows, columns = np.mgrid[: scene.height, : scene.width]
        distances = np.stack([(columns - click.x) ** 2 + (rows - click.y) ** 2 for click in clicks])
        labels = np.array([click.label for click in clicks], np.uint8)
        return Parse(labels[distances.argmin(0)], np.ones(24, np.float32))


class NeverRight(NearestClick):
    """Answers with background, whatever is clicked."""

    def parse(self, scene: Scene, clicks: Sequence[Click], previous: NDArray[np.uint8] | None = None) -> Parse:
        return Parse(np.zeros((scene.height, scene.width), np.uint8), np.ones(24, np.float32))


def run(parser: NearestClick, root: Path, corrections: int = 15, seed: int = 0) -> Curve:
    samples = CcpDataset(root, "val")
    *_, curve = interaction_curve(
        cast(Parser, parser), samples, range(len(samples)), Annotator(corrections=corrections), seed
    )
    return curve


def test_corrections_help_a_parser_that_listens(ccp_tree: Path) -> None:
    curve = run(NearestClick(), ccp_tree)
    ious = curve.mean_ious()
    assert len(ious) == 16
    assert ious[-1] > ious[0] + 5
    assert curve.obeyed == curve.clicks


def test_a_deaf_parser_gains_nothing_and_is_found_out(ccp_tree: Path) -> None:
    curve = run(NeverRight(), ccp_tree)
    assert len(set(curve.mean_ious())) == 1
    # Only clicks on the background come true, and nobody needs to correct background.
    assert curve.obeyed == len(curve.photographs) < curve.clicks


def test_counts_clicks_as_the_paper_means_them(ccp_tree: Path) -> None:
    curve = run(NearestClick(), ccp_tree, corrections=3)
    # Five stripes and the background, one click each, in each of two photographs: Avg. starts at 1.
    assert curve.initial_clicks == curve.labels_present == 12
    assert curve.clicks_per_label() == pytest.approx([1, 14 / 12, 16 / 12, 18 / 12])


def test_a_seed_decides_everything(ccp_tree: Path) -> None:
    first, again, other = (run(NearestClick(), ccp_tree, 4, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.confusions, again.confusions)
    assert (first.confusions != other.confusions).any()
