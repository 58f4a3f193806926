"""Fine-tuning: a live network learns from a few photographs, with its encoder as it is or the whole of it.

What an encoder that stays as it is makes of each photograph is kept, so that a step costs little more than a click. The
network learns in the same loop as it was trained in, from the accepted label maps: simulated annotators click, it
answers, they correct. What it knew of labels that nobody asked for is kept by what its prior is told, see
``prior_losses``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ihp_backend.clicks import localization_maps
from ihp_backend.labels import LabelSet
from ihp_backend.learning.augmentation import mirror
from ihp_backend.learning.click_recipe import ClickRecipe
from ihp_backend.learning.extending import extended
from ihp_backend.learning.fine_tuning_recipe import RECIPE, FineTuningRecipe
from ihp_backend.learning.fine_tuning_state import FineTuningState
from ihp_backend.learning.live_samples import CELLS, Grid, Samples
from ihp_backend.learning.loop import Loop
from ihp_backend.learning.new_labels import fit_new_labels
from ihp_backend.learning.not_finite import NotFiniteError, of_step
from ihp_backend.learning.prior_losses import SMALLEST, prior_losses
from ihp_backend.learning.situations import SituationRecipe
from ihp_backend.learning.trunk_cache import TrunkCache
from ihp_backend.learning.trunk_views import WorkingPhotograph, piece_of, random_box
from ihp_backend.losses import SemanticPerceivingLoss
from ihp_backend.networks.live import Evidence, LiveFeatures, LiveNetwork
from ihp_backend.networks.live.features import Trunk
from ihp_backend.networks.weights import not_finite
from ihp_backend.parsing.box import Box
from ihp_backend.parsing.geometry import as_batch

Tell = Callable[[int, float], bool]
"""Is told the number of steps done and the loss; False ends the training."""


class FineTuning:
    """One fine-tuning.

    Args:
        network: to begin with; stays as it is.
        labels: those that it knows, then the new ones.
        photographs: to learn from.
        replay: what the network was trained on before, of which half of every step is made where there is any.
        cache: of what the network's encoder makes of them.
        recipe: how.
        new: labels whose prior is found anew before the first step; None: those that the network does not know.
        asked: labels of the photographs' annotations, shown or not; None: all. Those that only the network knows may
            mean the same by another name.
        device: where it learns; before and after that the network is on the processor.

    Attributes:
        network: that learns.
        steps: that it will take.
    """

    def __init__(
        self,
        network: LiveNetwork,
        labels: LabelSet,
        photographs: Sequence[WorkingPhotograph],
        cache: TrunkCache,
        recipe: FineTuningRecipe = RECIPE,
        replay: Sequence[WorkingPhotograph] = (),
        new: Collection[int] | None = None,
        asked: Collection[int] | None = None,
        device: str = "cpu",
    ) -> None:
        torch.manual_seed(recipe.seed)
        self.before = network.eval()
        self.network = extended(network, len(labels) - network.num_labels)
        self.network.to(memory_format=torch.channels_last)
        self.device = torch.device(device)
        self.labels, self.photographs, self.replay, self.cache = labels, photographs, replay, cache
        self.recipe, self.new = recipe, range(network.num_labels, len(labels)) if new is None else new
        self.asked = range(len(labels)) if asked is None else asked
        visited = recipe.visits * len(photographs) * (2 if replay else 1)
        self.steps = min(recipe.steps, max(-(-visited // recipe.batch), recipe.least_steps))
        self.loop = Loop(rounds=2, corrections_limit=6, forgetting=0.3, jaccard_weight=0.5)
        self.situations, self.clicks = SituationRecipe(), ClickRecipe()
        self.perceiving = SemanticPerceivingLoss(form="linear", margin=0.5)
        self.state = FineTuningState(self.network, recipe, self.steps)

    def run(self, checkpoint: Path | None = None, tell: Tell | None = None) -> bool:
        """Trains to the end, from the checkpoint on where there is one; False if it was ended before.

        Args:
            checkpoint: file in which the training is kept while it runs.
            tell: see ``Tell``.

        Raises:
            NotFiniteError: the loss or a weight is not finite; the checkpoint stays as it was before.
            ValueError: the checkpoint is broken, or of another training.
        """
        begun = checkpoint if checkpoint is not None and checkpoint.exists() else None
        if begun is None:
            fit_new_labels(self.network, self.new, self.photographs, self.cache, self.recipe.seed)
        # Statistics stay as they are: a handful of photographs would spoil them.
        self.network.eval().to(self.device)
        try:
            return self._train(0 if begun is None else self.state.resume(begun), checkpoint, tell)
        finally:
            self.network.cpu()

    def _train(self, first: int, checkpoint: Path | None, tell: Tell | None) -> bool:
        for step in range(first, self.steps):
            loss = self._step(step)
            done = step + 1
            if checkpoint is not None and (done % self.recipe.save_every == 0 or done == self.steps):
                self.state.keep(checkpoint, done)
            if tell is not None and not tell(done, loss):
                return False
        return True

    def _step(self, step: int) -> float:
        rng = np.random.default_rng([self.recipe.seed, step])
        torch.manual_seed(int(rng.integers(2**62)))  # The SP-loss draws pairs with torch's own generator.
        total, seen = 0.0, list[str]()
        for number in range(step * self.recipe.batch, (step + 1) * self.recipe.batch):
            replayed = bool(self.replay) and number % 2 == 1
            photograph = self._photograph(number)
            loss = self._loss(photograph, rng, replayed) / self.recipe.batch
            seen.append(photograph.id)
            if not bool(loss.detach().isfinite()):
                raise self._failed(f"loss: {float(loss.detach())}", step, [photograph.id])
            loss.backward()
            total += float(loss.detach())
        self.state.step()
        if broken := not_finite(self.network.state_dict()):
            raise self._failed(f"weights: {broken}", step, seen)
        return total

    def _failed(self, what: str, step: int, seen: Sequence[str]) -> NotFiniteError:
        where = of_step(step, seen, self.recipe.learning_rate)
        return NotFiniteError(
            f"{what} in {where}; nothing of it is kept: look at what is drawn there, and learn with a smaller rate"
        )

    def _photograph(self, number: int) -> WorkingPhotograph:
        """The photograph of that number, for which every one of its kind comes once before any comes again."""
        chosen = self.photographs
        if self.replay:
            number, kind = divmod(number, 2)
            chosen = self.replay if kind else self.photographs
        epoch, position = divmod(number, len(chosen))
        order = np.random.default_rng([self.recipe.seed, epoch, 0]).permutation(len(chosen))
        return chosen[int(order[position])]

    def _loss(self, photograph: WorkingPhotograph, rng: np.random.Generator, replayed: bool) -> Tensor:
        image, parsing = photograph.image, photograph.parsing
        if rng.random() < 0.5:
            image, parsing = mirror(image, parsing, self.labels)
        box = random_box(parsing.shape, self.recipe.view, rng)
        before, parsing = piece_of(self.cache.of(image), box), box.of(parsing, 1)
        features: LiveFeatures = self.network.network.heads(self._trunk(image, box, before))
        height, width = parsing.shape
        maps = localization_maps(self.clicks.draw(parsing, rng), height, width, len(self.labels))
        true = torch.from_numpy(np.ascontiguousarray(parsing))[None].to(self.device)
        asked = set(range(len(self.labels))).difference(self.new) if replayed else self.asked
        samples = Samples.draw(true, torch.from_numpy(maps)[None], self.situations, rng, len(maps), asked)

        def answer(evidence: Evidence, grid: Grid) -> Tensor:
            return self.network.answer(features, evidence, grid.step, grid.phase)

        answered, _ = self.loop.losses(answer, samples, partial(Grid.draw, self.recipe.loss_step), rng)
        perceived = self.perceiving(features.fine.embedding, samples.parsing, samples.maps).loss
        prior = features.fine.prior
        if replayed:
            # What the project calls skin is a face there: with a part in it, new labels would be unlearned again.
            prior = prior.index_fill(1, torch.tensor([*self.new], dtype=torch.long, device=prior.device), 0.0)
            prior = prior / prior.sum(1, keepdim=True).clamp(min=SMALLEST)
        with torch.no_grad():
            expected = self.before.network.prior(before).to(self.device)
        cells = CELLS.of(true).long()
        told, kept = prior_losses(prior, expected, cells, set(range(prior.shape[1])).difference(asked))
        loss = answered + self.recipe.semantic_perceiving_weight * perceived
        return loss + self.recipe.prior_weight * told + self.recipe.keeping_weight * kept

    def _trunk(self, image: NDArray[np.uint8], box: Box, before: Trunk) -> Trunk:
        """What the network's encoder makes of a box of a photograph, of which the one before made ``before``."""
        if self.recipe.whole:
            return piece_of(self.network.network.trunk(torch.from_numpy(as_batch(image)).to(self.device)), box)
        return Trunk.of(part.to(self.device) for part in before.parts)
