"""Annotating part by part: merging, iDeepLab's own protocol, DEXTR."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from torch import Tensor, nn

from ihp_backend.clicks import Click
from ihp_backend.datasets import CcpDataset, Sample
from ihp_backend.evaluation import confusion_matrix
from ihp_backend.evaluation.dextr_protocol import ExtremePointParser, extreme_point_curve
from ihp_backend.evaluation.part_curve import PartCurve, merge_parts
from ihp_backend.evaluation.single_part_protocol import PartParser, part_click, single_part_curve
from ihp_backend.labels import CCP
from ihp_backend.networks import ExtremePointDeepLab, InteractiveDeepLab
from ihp_backend.networks.extreme_points import ExtremePointView
from ihp_backend.parsing import CheckpointError, Parser
from ihp_backend.parsing.checkpoint import Checkpoint
from ihp_backend.parsing.engines.base import Engine

LOGITS = arrays(np.float32, (3, 4, 5), elements=st.sampled_from([-np.inf, -2, -0.5, 0, 0.5, 3]))


@given(LOGITS)
def test_merging_takes_the_most_probable_part_of_each_pixel(logits: NDArray[np.float32]) -> None:
    labels = [7, 2, 5]
    merged = merge_parts(zip(labels, logits, strict=True), 4, 5)
    for row in range(4):
        for column in range(5):
            here = {label: 1 / (1 + np.exp(-one[row, column])) for label, one in zip(labels, logits, strict=True)}
            best = max(here, key=lambda label: here[label])
            assert merged[row, column] == (best if here[best] > 0.5 else 0)


def test_no_part_is_all_background() -> None:
    assert (merge_parts([], 3, 4) == np.zeros((3, 4))).all()


def test_clicks_go_to_the_largest_error_of_a_part_whatever_its_sign() -> None:
    truth = np.zeros((60, 60), np.uint8)
    truth[10:30, 10:30] = 1
    truth[50:55, 50:55] = 1
    truth[:, :3] = 255
    rng = np.random.default_rng(0)
    first = part_click(truth, np.zeros((60, 60), np.bool_), [], rng)
    assert first is not None
    assert first.label == 1
    assert first.y < 30
    too_much = truth == 1
    too_much[35:45, 10:40] = True
    too_much[:, :3] = True
    too_much[50:55] = False
    second = part_click(truth, too_much, [first], rng)
    assert second is not None
    assert second.label == 0
    assert 35 <= second.y < 45
    assert part_click(truth, truth == 1, [first, second], rng) is None


class Colours(PartParser):
    """Knows parts by their shade once it has ``needed`` clicks; before that it sees a disk around each."""

    def __init__(self, needed: int) -> None:
        self.labels, self.needed, self.seen = CCP, needed, []  # type: ignore[var-annotated]

    def open(self, image: NDArray[np.uint8]) -> Any:
        """The photograph itself."""
        return image

    def logits(self, scene: Any, part: int, clicks: Sequence[Click]) -> NDArray[np.float32]:
        """1 on the part, else -1."""
        self.seen.append((part, tuple(clicks)))
        if len(clicks) >= self.needed:
            first = clicks[0]
            near = np.abs(scene.astype(int) - scene[first.y, first.x]).max(2) < 40
        else:
            rows, columns = np.ogrid[: scene.shape[0], : scene.shape[1]]
            near = np.zeros(scene.shape[:2], np.bool_)
            for click in clicks:
                near |= (rows - click.y) ** 2 + (columns - click.x) ** 2 < 9
        return np.where(near, 1, -1).astype(np.float32)


class Striped:
    """Two photographs of striped people whose colours are those of their labels."""

    labels = CCP
    ids = ("low", "high")
    shades = np.zeros(24, np.uint8)
    shades[[2, 13, 5, 9, 18]] = 50, 80, 130, 180, 230

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Sample:
        parsing = self.parsing(index)
        return Sample(np.repeat(self.shades[parsing][..., None], 3, 2), parsing, self.ids[index])

    def parsing(self, index: int) -> NDArray[np.uint8]:
        """Only the mask."""
        parsing = np.zeros((100 + 20 * index, 60), np.uint8)
        parsing[5:-5, 15:45] = np.repeat([2, 13, 5, 9, 18], len(parsing[5:-5]) // 5)[:, None]
        return parsing


def test_every_part_gets_a_click_per_round_until_it_is_right() -> None:
    parser = Colours(needed=2)
    *_, curve = single_part_curve(parser, Striped(), [0, 1], seed=0, rounds=4)
    assert curve.labels_present == 12
    assert curve.photographs == ["low", "high"]
    # The first two labels have shades that are taken for one another, so these parts stay wrong.
    assert curve.clicks.tolist() == [10, 20, 24, 28]
    assert curve.clicks_per_label() == [clicks / 12 for clicks in (10, 20, 24, 28)]
    assert curve.mean_ious()[0] < curve.mean_ious()[1] < 100
    assert all(clicks[0].positive for _, clicks in parser.seen)
    assert all(click.label == part for part, clicks in parser.seen for click in clicks)
    assert {click.positive for _, clicks in parser.seen for click in clicks} == {True, False}


def test_a_perfect_answer_needs_one_click_per_part() -> None:
    class Perfect(Colours):
        def logits(self, scene: Any, part: int, clicks: Sequence[Click]) -> NDArray[np.float32]:
            """Exactly the clicked colour."""
            same = (scene == scene[clicks[0].y, clicks[0].x]).all(2)
            return np.where(same, 5, -5).astype(np.float32)

    *_, curve = single_part_curve(Perfect(1), Striped(), [0, 1], seed=3, rounds=3)
    parts = curve.labels_present - 2
    assert curve.mean_ious() == [100, 100, 100]
    assert curve.clicks_per_label() == [parts / (parts + 2)] * 3


def test_curves_of_photographs_add_up_and_a_seed_decides() -> None:
    def run(indices: Sequence[int], seed: int) -> PartCurve:
        return list(single_part_curve(Colours(3), Striped(), indices, seed, rounds=3))[-1]

    both, added, other = run([0, 1], 5), run([0], 5) + run([1], 5), run([0, 1], 6)
    np.testing.assert_array_equal(both.confusions, added.confusions)
    np.testing.assert_array_equal(both.clicks, added.clicks)
    assert both.photographs == added.photographs
    assert (both.confusions != other.confusions).any()


class InTorch(Engine):
    """A network without a model folder."""

    def __init__(self, network: InteractiveDeepLab) -> None:
        self.network = network

    def encode(self, image: NDArray[np.uint8]) -> Tensor:
        """The network's features."""
        return self.network.encode(torch.from_numpy(image.transpose(2, 0, 1)[None].copy()))

    @torch.inference_mode()
    def decode(self, features: Tensor, click_maps: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The network's logits."""
        return self.network.decode(features, torch.from_numpy(click_maps[None])).logits[0].numpy()


@pytest.mark.parametrize("size", [(100, 70), (512, 200), (700, 333)])
def test_a_part_alone_is_what_the_multi_class_parser_makes_of_it(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    network = InteractiveDeepLab(24, encoder="tu-test_resnet", decoder_channels=16).eval()
    first = next(module for module in network.modules() if isinstance(module, nn.Conv2d))
    with torch.no_grad():
        first.weight[:, 3:] = torch.randn_like(first.weight[:, 3:])
    checkpoint = Checkpoint(Path(), "tiny", "tiny-1", CCP, {"class": "InteractiveDeepLab"}, 256, 16, {})
    alone, together = (
        PartParser(checkpoint, InTorch(network)),
        Parser(checkpoint, InTorch(network), enforce_clicks=False),
    )
    image = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)
    clicks = [Click(30, 40, 9), Click(50, 20, 9, positive=False), Click(60, 90, 9)]
    with torch.no_grad():  # About half of the pixels shall belong to the part.
        network.network.segmentation_head[0].bias -= float(np.median(alone.logits(alone.open(image), 9, clicks)))
    logits = alone.logits(alone.open(image), 9, clicks)
    assert logits.shape == size
    signed = [Click(click.x, click.y, 9 if click.positive else 0) for click in clicks]
    wanted = together.parse(together.open(image), signed).label_map == 9
    assert ((logits > 0) != wanted).mean() < 0.02
    assert 0.3 < wanted.mean() < 0.7


def test_refuses_what_cannot_find_single_parts(ccp_tree: Path) -> None:
    with pytest.raises(CheckpointError, match="holds a DeepLabClickNetwork, which does not find single parts"):
        PartParser.from_pretrained("ccp-deeplab")
    parser = Colours(1)
    parser.labels = type(CCP)(("background", "hat"))
    with pytest.raises(ValueError, match="labels: the model speaks background, hat; the data set has"):
        next(single_part_curve(parser, CcpDataset(ccp_tree, "val"), [0], 0))


class EverythingInTheBox(nn.Module):
    """Takes the whole crop for the part."""

    def foreground(self, image: Tensor, guidance: Tensor) -> Tensor:
        """1 everywhere."""
        assert image.shape[2:] == guidance.shape[2:] == (32, 32)
        return torch.ones(len(image), 1, 8, 8)


def test_dextr_merges_crops_and_counts_four_clicks_a_part(ccp_tree: Path) -> None:
    samples = CcpDataset(ccp_tree, "val")
    parser = ExtremePointParser(EverythingInTheBox(), ExtremePointView(side=32, relax=3), "cpu")  # type: ignore[arg-type]
    *_, curve = extreme_point_curve(parser, samples, [0, 1], seed=0)
    wanted, present = np.zeros((24, 24), np.int64), 0
    for parsing in (samples.parsing(0), samples.parsing(1)):
        boxes = np.zeros_like(parsing)
        for label in np.unique(parsing)[:0:-1]:  # Equals go to the first label, so the first is painted last.
            rows, columns = np.nonzero(parsing == label)
            top, left = max(rows.min() - 3, 0), max(columns.min() - 3, 0)
            boxes[top : rows.max() + 4, left : columns.max() + 4] = label
        wanted += confusion_matrix(parsing, boxes, 24)
        present += len(np.unique(parsing))
    np.testing.assert_array_equal(curve.confusions, wanted[None])
    assert curve.clicks.tolist() == [4 * (present - 2)]
    k = present / 2
    assert curve.clicks_per_label() == [pytest.approx(4 * (k - 1) / k)]


def test_dextrs_network_answers_in_the_photographs_size() -> None:
    network = ExtremePointDeepLab(encoder="tu-test_resnet", decoder_channels=16)
    parser = ExtremePointParser(network, ExtremePointView(side=64, relax=5), "cpu")
    image = np.zeros((90, 50, 3), np.uint8)
    points = np.array([[10, 30], [40, 25], [20, 8], [22, 60]])
    found = parser.logits(image, [points, points + 5])
    assert [one.shape for one in found] == [(90, 50)] * 2
    assert np.isfinite(found[0][3:66, 5:46]).all()
    assert (found[0][66:] == -np.inf).all()
    assert parser.logits(image, []) == []
