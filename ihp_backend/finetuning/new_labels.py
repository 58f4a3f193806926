"""The first knowledge of labels that a network does not know by name: a few seconds, before any step of training.

What the encoder makes of a cell says linearly which label it shows. So the weights of new labels have a best state,
which is found at once; a training in small steps would take hundreds to come near it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from ihp_backend.finetuning.feature_cache import FeatureCache
from ihp_backend.finetuning.feature_views import WorkingPhotograph
from ihp_backend.labels import IGNORE
from ihp_backend.learning.live_samples import CELLS
from ihp_backend.networks.live import LiveNetwork

MOST_CELLS = 1500
"""Of a photograph at most, anywhere in it: a prior that expects small parts too often misleads the decoder."""

PENALTY = 1.2
"""Of the squared weights, on features of unit deviation, shared among the photographs: the more there are, the less it
takes to keep them from misleading the decoder."""

ITERATIONS = 80


def fit_new_labels(
    network: LiveNetwork,
    new: Collection[int],
    photographs: Sequence[WorkingPhotograph],
    cache: FeatureCache,
    seed: int = 0,
) -> None:
    """Finds the prior of new labels, in place, by logistic regression against the known ones, which stay as they are.

    Args:
        network: its encoder is that of the cache.
        new: ids of labels whose weights are found anew; those that no photograph shows are left alone.
        photographs: that show them.
        cache: of what the encoder makes of these.
        seed: of the cells that are looked at.
    """
    shown = {label for photograph in photographs for label in np.unique(_in_cells(photograph)).tolist()}
    rows = torch.tensor(sorted(shown.intersection(new)), dtype=torch.long)
    if not len(rows):
        return
    features, labels = _cells(photographs, cache, np.random.default_rng(seed))
    head = network.network.classify
    assert head.bias is not None
    # A single cell has no deviation, and would have NaN.
    middle, deviation = features.mean(0), features.std(0, correction=min(1, len(features) - 1)) + 1e-3
    plain = (features - middle) / deviation
    with torch.no_grad():
        known = features @ head.weight[:, :, 0, 0].T + head.bias
    penalty = PENALTY / len(photographs)
    weight = torch.zeros(len(rows), features.shape[1], requires_grad=True)
    bias = torch.full((len(rows),), -2.0, requires_grad=True)
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=ITERATIONS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        logits = known.index_copy(1, rows, plain @ weight.T + bias)
        found = cross_entropy(logits, labels) + penalty * weight.square().sum(1).mean()
        found.backward()
        return found

    optimiser.step(loss)
    with torch.no_grad():
        head.weight[rows, :, 0, 0] = weight / deviation
        head.bias[rows] = bias - (weight / deviation) @ middle


def _cells(
    photographs: Sequence[WorkingPhotograph], cache: FeatureCache, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Features float (n, channels) and labels int64 (n,) of some cells of every photograph."""
    features, labels = [], []
    for photograph in photographs:
        cells = _in_cells(photograph).ravel()
        places = rng.permutation(np.flatnonzero(cells != IGNORE))[:MOST_CELLS]
        read = cache.of(photograph.image).prior_input[0].flatten(1).T
        features.append(read[torch.from_numpy(places)])
        labels.append(torch.from_numpy(cells[places].astype(np.int64)))
    return torch.cat(features), torch.cat(labels)


def _in_cells(photograph: WorkingPhotograph) -> NDArray[np.uint8]:
    """The labels in the middle of each cell."""
    return CELLS.of(torch.from_numpy(photograph.parsing)).numpy()
