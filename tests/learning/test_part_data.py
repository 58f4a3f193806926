"""Views of single parts: which part, where the clicks are, what the crop shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from jsonargparse import ArgumentParser

from ihp_backend.datasets import CcpDataset, Sample
from ihp_backend.labels import CCP
from ihp_backend.learning.part_clicks import NEGATIVE, POSITIVE, ClickedPart
from ihp_backend.learning.part_data import PartData, PartView, PartViews, random_part
from ihp_backend.learning.part_extreme_points import ExtremePointPart
from ihp_backend.networks.extreme_points import ExtremePointView

VIEWS = [ClickedPart(size=(96, 64)), ExtremePointPart(ExtremePointView(side=64))]


def striped(ignored: bool = False) -> Sample:
    """Two wide stripes and a slender one, whose colours tell their labels."""
    parsing = np.zeros((120, 80), np.uint8)
    parsing[10:50, 10:70] = 5
    parsing[50:90, 10:70] = 9
    parsing[95:98, 10:70] = 18
    if ignored:
        parsing[:, :30] = 255
    image = np.repeat(parsing[..., None], 3, 2) * 10
    return Sample(image, parsing, "striped")


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_depends_on_the_seed_and_its_number_alone(ccp_tree: Path, view: PartView) -> None:
    samples = CcpDataset(ccp_tree, "train")
    first, again, other = (PartViews(samples, 10, view, seed) for seed in (0, 0, 1))
    _ = again[0], again[9]
    for left, right in zip(first[7], again[7], strict=True):
        assert torch.equal(left, right)
    assert not torch.equal(first[7][0], other[7][0])
    assert not torch.equal(first[3][2], first[7][2])


def test_every_large_enough_part_is_drawn_and_ignored_pixels_stay_so() -> None:
    parsing = striped(ignored=True).parsing
    parsing[0, 79] = 3
    drawn = [random_part(parsing, 20, np.random.default_rng(seed)) for seed in range(50)]
    labels = set()
    for part in drawn:
        assert part is not None
        assert ((part == 255) == (parsing == 255)).all()
        (label,) = np.unique(parsing[part == 1])
        assert ((parsing == label) == (part == 1)).all()
        labels.add(int(label))
    assert labels == {5, 9, 18}
    assert random_part(parsing, 5000, np.random.default_rng(0)) is None


@pytest.mark.parametrize("ignored", [False, True])
def test_clicks_lie_where_they_should(ignored: bool) -> None:
    sample, view = striped(ignored), ClickedPart(margin=5, reach=40)
    positives, negatives, targets = [], [], set()
    for seed in range(60):
        rng = np.random.default_rng(seed)
        part = random_part(sample.parsing, 60, rng)
        assert part is not None
        inside, outside = view.positives(part, rng), view.negatives(sample.parsing, part, rng)
        assert all(part[click.y, click.x] == 1 and click.label == POSITIVE for click in inside)
        assert all(part[click.y, click.x] == 0 and click.label == NEGATIVE for click in outside)
        positives.append(len(inside))
        negatives.append(len(outside))
        targets |= {int(sample.parsing[click.y, click.x]) for click in outside}
        if part[20, 40] == 1:  # The upper stripe; its clicks keep their distance from its boundary.
            assert all(15 <= click.y < 45 for click in inside)
    assert min(positives) == 1
    assert 5 <= max(positives) <= 10
    assert min(negatives) == 0
    assert 15 <= max(negatives) <= 30
    assert targets == {0, 5, 9, 18}


def test_a_part_without_surroundings_has_no_negative_clicks() -> None:
    parsing = np.full((40, 40), 7, np.uint8)
    view, rng = ClickedPart(negatives_limit=30), np.random.default_rng(3)
    part = random_part(parsing, 60, rng)
    assert part is not None
    assert all(view.negatives(parsing, part, rng) == [] for _ in range(10))
    assert all(0 <= click.x < 40 for click in view.positives(part, rng))


def test_the_guidance_shows_the_clicks(ccp_tree: Path) -> None:
    views = PartViews(CcpDataset(ccp_tree, "train"), 12, ClickedPart(size=(96, 64)), seed=0)
    for image, part, guidance in (views[number] for number in range(12)):
        assert image.shape == (3, 96, 64)
        assert guidance.shape == (2, 96, 64)
        assert (part[guidance[POSITIVE] == 0] == 1).all()
        assert (part[guidance[NEGATIVE] == 0] == 0).all()
        assert (guidance[POSITIVE] == 0).any()


def test_the_crop_shows_the_part_with_gaussians_at_its_ends() -> None:
    sample = striped()
    view = ExtremePointPart(ExtremePointView(side=96, relax=10), jitter=0)
    for seed in range(8):
        item = view.draw(sample, CCP, np.random.default_rng(seed))
        assert item is not None
        image, part, gaussians = item
        assert image.shape == (3, 96, 96)
        assert gaussians.shape == (1, 96, 96)
        rows, columns = np.nonzero(part.numpy() == 1)
        peaks = np.argwhere(gaussians[0].numpy() == 1)
        for side, extreme in ((peaks[:, 0], rows), (peaks[:, 1], columns)):
            assert abs(side.min() - extreme.min()) <= 2
            assert abs(side.max() - extreme.max()) <= 2
        # A part has one colour, so its pixels show it wherever no neighbour is mixed in.
        shades = image[0][part == 1]
        assert (shades == shades.mode().values).float().mean() > 0.6


def test_jittered_points_leave_the_part_now_and_then() -> None:
    view = ExtremePointPart(ExtremePointView(side=256, relax=10), jitter=5)
    missed = 0
    for seed in range(10):
        item = view.draw(striped(), CCP, np.random.default_rng(seed))
        assert item is not None
        missed += int((item[1][item[2][0] == 1] != 1).any())
    assert missed >= 5


def test_photographs_without_a_part_are_passed_over_until_there_is_none() -> None:
    class Two:
        labels = CCP
        ids = ("empty", "striped")

        def __len__(self) -> int:
            return len(self.ids)

        def __getitem__(self, index: int) -> Sample:
            return striped() if index else Sample(np.zeros((60, 60, 3), np.uint8), np.zeros((60, 60), np.uint8), "e")

        def parsing(self, index: int) -> np.ndarray:
            return self[index].parsing

    views = PartViews(Two(), 4, ExtremePointPart(ExtremePointView(side=32)), seed=0)
    assert all((views[number][1] == 1).any() for number in range(4))
    with pytest.raises(ValueError, match="no photograph has a part large enough"):
        _ = PartViews(Two(), 4, ExtremePointPart(ExtremePointView(side=32), minimum_area=10**6), seed=0)[0]


def test_views_come_from_yaml() -> None:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(PartView, "view")
    name = "ihp_backend.learning.part_extreme_points.ExtremePointPart"
    given = {"view": {"class_path": name, "init_args": {"jitter": 3, "view": {"side": 128}}}}
    view = parser.instantiate(parser.parse_object(given)).view
    assert isinstance(view, ExtremePointPart)
    assert view.view == ExtremePointView(side=128)
    assert view.jitter == 3
    with pytest.raises(ValueError, match="side: 100 given, a multiple of 16 needed"):
        ExtremePointView(side=100)


def test_validation_sees_the_same_parts_every_time(ccp_tree: Path) -> None:
    data = PartData(ccp_tree, ClickedPart(size=(96, 64)), validation_parts=5, batch_size=2)
    first, second = (torch.cat([batch[2] for batch in data.val_dataloader()]) for _ in range(2))
    assert first.shape == (5, 2, 96, 64)
    assert torch.equal(first, second)
