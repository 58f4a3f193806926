"""The soft Jaccard loss beside loops, and beside the IoU that it stands for."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ihp_backend.losses import SoftJaccard
from tests.losses.batches import random_batch, random_logits


def test_equal_to_a_loop_over_labels() -> None:
    parsing, maps = random_batch(0)
    logits = random_logits(0, parsing, 4)
    found = logits.detach().softmax(1).numpy()
    images = []
    for probabilities, true in zip(found, parsing.numpy(), strict=True):
        missed = []
        for label in np.unique(true[true != 255]):
            both = probabilities[label][true == label].sum()
            only_found = probabilities[label][(true != label) & (true != 255)].sum()
            missed.append(1 - both / ((true == label).sum() + only_found))
        images.append(np.mean(missed))
    assert SoftJaccard()(logits, parsing, maps).item() == pytest.approx(np.mean(images), rel=1e-5)


def test_sure_answers_give_the_iou() -> None:
    parsing = torch.tensor([[[0, 0, 1, 1], [2, 2, 1, 255]]])
    answer = torch.tensor([[[0, 1, 1, 1], [2, 2, 2, 0]]])
    logits = torch.nn.functional.one_hot(answer, 4).permute(0, 3, 1, 2) * 100.0
    wanted = 1 - np.mean([1 / 2, 2 / 4, 2 / 3])
    assert SoftJaccard()(logits, parsing, logits).item() == pytest.approx(wanted, abs=1e-6)
