"""How far to go from the old weights to the new ones, judged on photographs that were not learned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ihp_backend.clicks import add_click, correction_clicks, localization_maps
from ihp_backend.evaluation.confusion import confusion_matrix, mean_iou
from ihp_backend.learning.click_recipe import ClickRecipe
from ihp_backend.learning.extending import blended, extended
from ihp_backend.learning.fine_tuning import CELLS
from ihp_backend.learning.trunk_cache import TrunkCache
from ihp_backend.learning.trunk_views import WorkingPhotograph
from ihp_backend.networks.live import Evidence, LiveNetwork, clicked_in

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)

CORRECTIONS = 3


@dataclass(frozen=True)
class Choice:
    """How far it pays to go.

    Attributes:
        share: of the way from the old weights to the new ones; 0: nothing was gained.
        reached: mIoU in percent by share.
        weights: the state dictionary at that share.
    """

    share: float
    reached: Mapping[float, float]
    weights: Mapping[str, Tensor]


def choose_share(
    before: LiveNetwork, after: LiveNetwork, photographs: Sequence[WorkingPhotograph], cache: TrunkCache, seed: int = 0
) -> Choice:
    """The best of ``SHARES``; of equals the smallest.

    Args:
        before: the network as it was.
        after: as it has learned; it may know more labels.
        photographs: that it has not learned from.
        cache: of the encoder that both share.
        seed: of the annotators.
    """
    old, new = extended(before, after.num_labels - before.num_labels).state_dict(), after.state_dict()
    trial = extended(before, after.num_labels - before.num_labels)
    reached = {}
    for share in SHARES:
        trial.load_state_dict(blended(old, new, share))
        reached[share] = quick_mean_iou(trial.eval(), photographs, cache, seed)
    best = max(SHARES, key=lambda share: (reached[share], -share))
    return Choice(best, reached, blended(old, new, best))


@torch.no_grad()
def quick_mean_iou(
    network: LiveNetwork, photographs: Sequence[WorkingPhotograph], cache: TrunkCache, seed: int = 0
) -> float:
    """mIoU in percent over cells: without clicks, after the first ones and after ``CORRECTIONS`` more, together."""
    count = network.num_labels
    confusion = np.zeros((count, count), np.int64)
    known = torch.eye(count)[None]
    for number, photograph in enumerate(photographs):
        rng = np.random.default_rng([seed, number])
        height, width = photograph.parsing.shape
        features = network.network.heads(cache.of(photograph.image))
        maps = localization_maps([], height, width, count)
        true = np.ascontiguousarray(CELLS.of(torch.from_numpy(photograph.parsing)).numpy())
        nothing = torch.zeros(1, count, *true.shape)
        for round_ in range(3):
            clicked = clicked_in(torch.from_numpy(maps)[None])
            present = torch.ones(1, count, dtype=torch.bool)
            answer = network.decode(features, Evidence(clicked, known, nothing, present))
            found = answer.argmax(1)[0].numpy().astype(np.uint8)
            confusion += confusion_matrix(true, found, count)
            if round_ == 0:
                maps = localization_maps(ClickRecipe().draw_central(photograph.parsing, rng), height, width, count)
            elif round_ == 1:
                for click in correction_clicks(true, found, rng, CORRECTIONS):
                    add_click(maps, CELLS.click_of(click))
    return mean_iou(confusion)
