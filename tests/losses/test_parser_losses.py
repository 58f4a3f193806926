"""The losses of automatic parsers against slow references."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from ihp_backend.losses import CrossEntropy, JointStructure, LovaszSoftmax, ParserLoss
from ihp_backend.losses.parser_loss import region_parsing
from ihp_backend.losses.part_edges import edge_cross_entropy, part_edges
from ihp_backend.networks import ParserOutputs
from tests.losses.batches import random_batch, random_logits


def jaccard_of(wrong: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    """One minus the IoU of a label whose pixels are found but for the wrong ones."""
    found = true ^ wrong
    union = (true | found).sum()
    return 0.0 if union == 0 else 1 - (true & found).sum() / union


def slow_lovasz(probabilities: NDArray[np.float64], true: NDArray[np.bool_]) -> float:
    """The Lovász extension by its definition: pixels become wrong one by one, the worst first."""
    errors = np.abs(true - probabilities)
    wrong, total, before = np.zeros(len(true), bool), 0.0, 0.0
    for pixel in np.argsort(-errors, kind="stable"):
        wrong[pixel] = True
        now = jaccard_of(wrong, true)
        total += errors[pixel] * (now - before)
        before = now
    return total


def test_lovasz_softmax_is_the_extension_of_one_minus_iou() -> None:
    parsing, _ = random_batch(3)
    logits = random_logits(3, parsing, 4)
    counted = (parsing != 255).numpy()
    probabilities = logits.detach().double().softmax(1).permute(0, 2, 3, 1).numpy()[counted]
    true = parsing.numpy()[counted]
    labels = [label for label in range(4) if (true == label).any()]
    wanted = np.mean([slow_lovasz(probabilities[:, label], true == label) for label in labels])
    assert LovaszSoftmax()(logits, parsing).item() == pytest.approx(wanted, abs=1e-5)


def test_lovasz_softmax_of_a_sure_answer_is_one_minus_its_mean_iou() -> None:
    parsing = torch.tensor([[[0, 0, 1, 1], [0, 2, 2, 1]]])
    answer = torch.tensor([[[0, 1, 1, 1], [0, 2, 0, 1]]])
    logits = torch.nn.functional.one_hot(answer, 3).permute(0, 3, 1, 2) * 100.0
    ious = [2 / 4, 3 / 4, 1 / 2]
    assert LovaszSoftmax()(logits, parsing).item() == pytest.approx(1 - np.mean(ious))


def slow_edges(parsing: NDArray[np.int64]) -> NDArray[np.int64]:
    height, width = parsing.shape
    edge = np.zeros(parsing.shape, bool)
    for y in range(height):
        for x in range(width):
            for v, u in ((y + 1, x), (y, x + 1), (y - 1, x), (y, x - 1)):
                if 0 <= v < height and 0 <= u < width and 255 not in (parsing[y, x], parsing[v, u]):
                    edge[y, x] |= parsing[y, x] != parsing[v, u]
    wide = [[edge[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2].any() for x in range(width)] for y in range(height)]
    return np.where(parsing == 255, 255, np.array(wide).astype(np.int64))


def test_edges_lie_where_labels_meet() -> None:
    parsing, _ = random_batch(4)
    found = part_edges(parsing)
    for one, edges in zip(parsing.numpy(), found.numpy(), strict=True):
        assert (slow_edges(one) == edges).all()


def test_edges_weigh_as_much_as_there_is_of_the_other() -> None:
    parsing, _ = random_batch(5)
    logits = random_logits(5, parsing, 2)
    edges = part_edges(parsing)
    chances = logits.detach().log_softmax(1)
    counted = edges != 255
    share = (edges == 1).sum() / counted.sum()
    wanted = sum(
        -chances[image, label, y, x] * (1 - share if label else share)
        for image, y, x in counted.nonzero().tolist()
        for label in [int(edges[image, y, x])]
    )
    assert edge_cross_entropy(logits, parsing).item() == pytest.approx(float(wanted) / int(counted.sum()), rel=1e-5)


JOINTS = {"head": (1, 2), "foot": (3,)}


def map_with(head: tuple[int, int] | None, foot: tuple[int, int] | None) -> Tensor:
    parsing = torch.zeros(1, 24, 24, dtype=torch.long)
    for label, place in ((1, head), (3, foot)):
        if place is not None:
            parsing[0, place[0], place[1]] = label
    return parsing


def sure(parsing: Tensor) -> Tensor:
    return torch.nn.functional.one_hot(parsing, 4).permute(0, 3, 1, 2) * 50.0


@pytest.mark.parametrize(
    ("moved", "factor"),
    [((4, 4), 0.0), ((4, 5), 0.089), ((4, 6), 0.253), ((4, 7), 0.358), ((4, 12), 0.400), (None, 0.200)],
)
def test_a_joint_that_is_off_costs_what_the_published_code_makes_it_cost(
    moved: tuple[int, int] | None, factor: float
) -> None:
    true = map_with((4, 4), (18, 10))
    found = sure(map_with(moved, (18, 10)))
    assert JointStructure(JOINTS, "literal", stride=1)(found, true).item() == pytest.approx(factor, abs=2e-3)
    offset = JointStructure(JOINTS, "offset", weight=2, stride=1)(found, true)
    assert offset.item() == pytest.approx(1 + 2 * factor, abs=4e-3)


def test_only_the_soft_form_moves_joints_by_its_gradient() -> None:
    true = map_with((4, 4), (18, 10))
    for form, learns in (("literal", False), ("offset", False), ("soft", True)):
        logits = (sure(map_with((4, 9), (18, 10))) / 25).requires_grad_()
        value = JointStructure(JOINTS, form, stride=1)(logits, true)  # type: ignore[arg-type]
        assert value.requires_grad == learns
    value.sum().backward()
    assert logits.grad is not None
    # More head where it is, less on the other side of where its centre was taken to be.
    assert logits.grad[0, 1, 4, 4] < 0 < logits.grad[0, 1, 20, 20]


def test_the_soft_form_measures_distances_in_diagonals() -> None:
    true = map_with((4, 4), None)
    far = JointStructure({"head": (1,)}, "soft", stride=1)(sure(map_with((4, 10), None)), true)
    assert far.item() == pytest.approx(1 + 6 / math.hypot(24, 24), abs=1e-3)


def test_ignored_pixels_move_no_joint() -> None:
    true = map_with((4, 4), (18, 10))
    true[0, 20:] = 255
    found = sure(map_with((4, 4), (18, 10)))
    found[0, 1, 20:] = 100.0
    assert JointStructure(JOINTS, "literal", stride=1)(found, true).item() == pytest.approx(0, abs=1e-6)


def test_a_regions_parsing_counts_its_labels_and_keeps_what_is_ignored() -> None:
    parsing = torch.tensor([[[0, 1, 2, 3, 255]]])
    assert region_parsing(parsing, [3, 1]).tolist() == [[[0, 2, 0, 1, 255]]]


def test_the_loss_is_the_sum_of_eq_7_with_the_weights_of_eq_8() -> None:
    parsing, maps = random_batch(6)
    answer, first = random_logits(6, parsing, 4), random_logits(7, parsing, 4)
    edges, head = random_logits(8, parsing, 2), random_logits(9, parsing, 3)
    outputs = ParserOutputs(answer, answer, (first,), edges, {"head": head})
    losses = ParserLoss()(outputs, parsing, {"head": [1, 2]})
    plain = CrossEntropy()
    assert losses["parsing"].item() == pytest.approx(plain(answer, parsing, maps).item())
    assert losses["auxiliary"].item() == pytest.approx(plain(first, parsing, maps).item())
    assert losses["edges"].item() == pytest.approx(edge_cross_entropy(edges, parsing).item())
    of_head = plain(head, region_parsing(parsing, [1, 2]), maps).item()
    assert losses["head"].item() == pytest.approx(3 / 2 * of_head)
    equal = ParserLoss(region_weights="equal")(outputs, parsing, {"head": [1, 2]})
    assert equal["head"].item() == pytest.approx(of_head)


def test_the_structure_weighs_each_photograph_by_itself() -> None:
    true = torch.cat([map_with((4, 4), (18, 10))] * 2)
    right, wrong = sure(map_with((4, 4), (18, 10))), sure(map_with((4, 12), (18, 10)))
    logits = torch.cat([right, wrong]) / 10
    maps = torch.full((1, 4, 24, 24), 255, dtype=torch.uint8)
    each = torch.stack([CrossEntropy()(one[None], true[:1], maps) for one in logits])
    structure = JointStructure(JOINTS, "literal", stride=1)
    losses = ParserLoss(structure=structure)(ParserOutputs(logits, logits), true)
    wanted = (each * torch.tensor([0, 0.4])).mean()
    assert losses["parsing"].item() == pytest.approx(wanted.item(), rel=5e-3)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: JointStructure({}), "joints: none given"),
        (lambda: JointStructure({"head": []}), "joints: head has no labels"),
        (lambda: JointStructure(JOINTS, weight=0), "weight: 0 given"),
        (lambda: JointStructure(JOINTS, stride=0), "stride: 0 given"),
        (lambda: ParserLoss(edge_weight=-1), "edge_weight: -1 given"),
    ],
)
def test_settings_that_make_no_sense_are_refused(make: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make()  # type: ignore[operator]
