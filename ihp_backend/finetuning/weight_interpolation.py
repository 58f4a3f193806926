"""Weight interpolation: how far to go from the old weights to the new ones, judged on other photographs."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ihp_backend.clicks import add_click, correction_clicks, localization_maps
from ihp_backend.evaluation.bootstrap import resample_photographs
from ihp_backend.evaluation.confusion import confusion_matrix, mean_iou_of_shown_labels
from ihp_backend.finetuning.feature_cache import FeatureCache
from ihp_backend.finetuning.feature_views import WorkingPhotograph
from ihp_backend.finetuning.head_extension import extend_head, interpolated
from ihp_backend.finetuning.recipes import LEAST_CHOOSING
from ihp_backend.labels import IGNORE
from ihp_backend.learning.click_recipe import ClickRecipe
from ihp_backend.learning.not_finite import NotFiniteError
from ihp_backend.networks.live import DecoderInputs, LiveNetwork, clicked_in

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)

CLEAR = 5.0
"""Points of mIoU in percent by which the best share must lead a smaller one with so few photographs."""

SURE, DRAWINGS = 0.8, 500
"""In so much of that many drawings of photographs the best share must beat a smaller one to be taken instead."""

CORRECTIONS = 3


@dataclass(frozen=True)
class Interpolation:
    """Point between the old and the new weights that pays most.

    Attributes:
        share: of the way from the old weights to the new ones; 0: no step of the training was worth it.
        before: mIoU in percent of the network as it was.
        reached: the same by share.
        weights: the state dictionary at that share.
        changed: whether anything is as it was not before: at share 0 that are the priors found anew, if any.
    """

    share: float
    before: float
    reached: Mapping[float, float]
    weights: Mapping[str, Tensor]
    changed: bool


def choose_interpolation(
    before: LiveNetwork,
    after: LiveNetwork,
    photographs: Sequence[WorkingPhotograph],
    cache: FeatureCache,
    asked: Collection[int] | None = None,
    seed: int = 0,
    least: int = LEAST_CHOOSING,
    set_apart: bool = True,
    anew: Collection[int] | None = None,
) -> Interpolation:
    """The smallest of ``SHARES`` that the best one does not beat for sure.

    A handful of photographs says little about small differences, and a step that was not worth it may cost clicks
    elsewhere. So other photographs are imagined by drawing from these with replacement (paired bootstrap).

    Args:
        before: the network as it was.
        after: as it has learned; it may know more labels.
        photographs: to judge by.
        cache: of what the encoder of ``before`` makes of them.
        asked: labels of the photographs' annotations; None: all that ``after`` knows.
        seed: of the annotators.
        least: with fewer photographs the best share must lead by ``CLEAR``.
        set_apart: whether ``after`` has not learned from the photographs; of fewer than ``least`` that it has learned
            from only the priors found anew are taken.
        anew: labels whose priors were found anew, which are taken at every share; None: those that ``before`` lacks.
    """
    asked = range(after.num_labels) if asked is None else asked
    anew = range(before.num_labels, after.num_labels) if anew is None else anew
    trial = extend_head(before, after.num_labels - before.num_labels)
    old = {name: tensor.clone() for name, tensor in trial.state_dict().items()}
    new = after.state_dict()
    for name in ("network.classify.weight", "network.classify.bias"):
        # Priors from fewer photographs, or none, are no better than these: values between them are of no use.
        old[name][[*anew]] = new[name][[*anew]]
    confusions = {}
    for share in SHARES:
        trial.load_state_dict(interpolated(old, new, share))
        confusions[share] = quick_confusions(trial.eval(), photographs, cache.beside(trial), asked, seed)
    reached = {share: float(mean_iou_of_shown_labels(of.sum(0))) for share, of in confusions.items()}
    lead = 0.0 if len(photographs) >= least else CLEAR if set_apart else math.inf
    best = _surely_best(confusions, reached, lead, seed)
    as_it_was = quick_mean_iou(before, photographs, cache, asked, seed) if anew else reached[0.0]
    return Interpolation(best, as_it_was, reached, interpolated(old, new, best), changed=best > 0 or bool(anew))


def _surely_best(
    confusions: Mapping[float, NDArray[np.int64]], reached: Mapping[float, float], lead: float, seed: int
) -> float:
    """The smallest share that the best one does not beat by ``lead`` in ``SURE`` of the bootstrap samples.

    Args:
        confusions: by share, see ``quick_confusions``.
        reached: mIoU in percent by share.
        lead: points of it.
        seed: of the bootstrap samples.
    """
    weights = resample_photographs(len(confusions[0.0]), DRAWINGS, seed)
    drawn = {share: mean_iou_of_shown_labels(np.tensordot(weights, of, 1)) for share, of in confusions.items()}
    best = max(SHARES, key=lambda share: (reached[share], -share))
    return min(share for share in SHARES if share == best or (drawn[best] > drawn[share] + lead).mean() < SURE)


def quick_mean_iou(
    network: LiveNetwork,
    photographs: Sequence[WorkingPhotograph],
    cache: FeatureCache,
    asked: Collection[int],
    seed: int = 0,
) -> float:
    """mIoU in percent of the labels that occur, of all that ``quick_confusions`` counts."""
    return float(mean_iou_of_shown_labels(quick_confusions(network, photographs, cache, asked, seed).sum(0)))


@torch.no_grad()
def quick_confusions(
    network: LiveNetwork,
    photographs: Sequence[WorkingPhotograph],
    cache: FeatureCache,
    asked: Collection[int],
    seed: int = 0,
) -> NDArray[np.int64]:
    """Confusion matrix of each photograph over some of its pixels, (photographs, labels, labels).

    Without clicks, after the first ones and after ``CORRECTIONS`` more, together.

    Args:
        network: may know more or fewer labels than are asked for.
        photographs: with parsings of those labels.
        cache: of the network's encoder.
        asked: label ids of the annotation, the background's included.
        seed: of the annotators.

    Raises:
        NotFiniteError: an answer is not finite.
    """
    labels = np.array(sorted({0, *asked}))
    count = len(labels)
    # What no other label stands for is background.
    known = torch.zeros(count, network.num_labels)
    for row, label in enumerate(labels[1:].tolist(), start=1):
        if label < network.num_labels:
            known[row, label] = 1
    known[0] = (~known.any(0)).float()
    table = np.full(256, IGNORE, np.uint8)
    table[labels] = np.arange(count)
    confusions = np.zeros((len(photographs), count, count), np.int64)
    for number, photograph in enumerate(photographs):
        rng = np.random.default_rng([seed, number])
        parsing = table[photograph.parsing]
        height, width = parsing.shape
        features = network.network.heads(cache.of(photograph.image))
        maps = localization_maps([], height, width, count)
        nothing = torch.zeros(1, count, *features.fine.prior.shape[2:])
        for round_ in range(3):
            clicked = clicked_in(torch.from_numpy(maps)[None])
            present = known.any(1)[None] | clicked.own.any(1)
            answer = network.answer(features, DecoderInputs(clicked, known[None], nothing, present))
            if not bool(answer.isfinite().all()):
                raise NotFiniteError(f"logits: those of photograph {photograph.id} are not finite; learn anew")
            found = answer.argmax(1)[0].numpy().astype(np.uint8)
            confusions[number] += confusion_matrix(parsing, found, count)
            if round_ == 0:
                maps = localization_maps(ClickRecipe().draw_central(parsing, rng), height, width, count)
            elif round_ == 1:
                for click in correction_clicks(parsing, found, rng, CORRECTIONS):
                    add_click(maps, click)
    return confusions
