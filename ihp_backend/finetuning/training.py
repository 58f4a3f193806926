"""Fine-tuning: a live network learns from a few photographs, with its encoder as it is or the whole of it.

What an encoder that stays as it is makes of each photograph is kept, so that a step costs little more than a click. The
network learns as it was trained, in the same loop and with the same losses (``live_recipe``), from the accepted label
maps: simulated annotators click, it answers, they correct. What it knew of labels that nobody asked for is kept by what
its prior is told, see ``partial_label_losses``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ihp_backend.finetuning.feature_cache import FeatureCache
from ihp_backend.finetuning.feature_views import WorkingPhotograph, piece_of, random_box
from ihp_backend.finetuning.head_extension import extend_head
from ihp_backend.finetuning.new_labels import fit_new_labels
from ihp_backend.finetuning.recipes import RECIPE, FineTuningRecipe
from ihp_backend.finetuning.training_state import FineTuningState
from ihp_backend.labels import IGNORE, LabelSet
from ihp_backend.learning.augmentation import mirror
from ihp_backend.learning.live_recipe import LIVE_RECIPE, LiveRecipe
from ihp_backend.learning.live_samples import CELLS, Samples, clicks_of
from ihp_backend.learning.loop import Loop
from ihp_backend.learning.not_finite import NotFiniteError, of_step
from ihp_backend.learning.sub_parts import without_pieces
from ihp_backend.losses.partial_labels import SMALLEST, partial_label_losses
from ihp_backend.networks.live import LiveFeatures, LiveNetwork
from ihp_backend.networks.live.features import BackboneFeatures
from ihp_backend.networks.weights import not_finite
from ihp_backend.parsing.decode_regions import Box
from ihp_backend.parsing.geometry import as_batch

Tell = Callable[[int, float], bool]
"""Is told the number of steps done and the loss; False ends the training."""


class FineTuning:
    """A fine-tuning of one network on a training set.

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
        live_recipe: how the network was trained, which is how it learns here.

    Attributes:
        network: that learns.
        steps: that it will take.
    """

    def __init__(
        self,
        network: LiveNetwork,
        labels: LabelSet,
        photographs: Sequence[WorkingPhotograph],
        cache: FeatureCache,
        recipe: FineTuningRecipe = RECIPE,
        replay: Sequence[WorkingPhotograph] = (),
        new: Collection[int] | None = None,
        asked: Collection[int] | None = None,
        device: str = "cpu",
        live_recipe: LiveRecipe = LIVE_RECIPE,
    ) -> None:
        torch.manual_seed(recipe.seed)
        self.before = network.eval()
        self.network = extend_head(network, len(labels) - network.num_labels)
        self.network.to(memory_format=torch.channels_last)
        self.device = torch.device(device)
        self.labels, self.photographs, self.replay, self.cache = labels, photographs, replay, cache
        self.recipe, self.new = recipe, range(network.num_labels, len(labels)) if new is None else new
        self.asked = range(len(labels)) if asked is None else asked
        visited = recipe.visits * len(photographs) * (2 if replay else 1)
        self.steps = min(recipe.steps, max(-(-visited // recipe.batch), recipe.least_steps))
        self.live_recipe, self.loop = live_recipe, Loop(live_recipe)
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
        features: LiveFeatures = self.network.network.heads(self._backbone_features(image, box, before))
        num_labels = len(self.labels)
        parsing = self._carved(box.of(image.transpose(2, 0, 1), 1), parsing, rng)
        clicks = [clicks_of(self.live_recipe.clicks.draw(parsing, rng))]
        true = torch.from_numpy(np.ascontiguousarray(parsing))[None].to(self.device)
        asked = set(range(num_labels)).difference(self.new) if replayed else self.asked
        task_sampling = self.live_recipe.task_sampling
        samples = Samples.draw(true, clicks, task_sampling, rng, num_labels, asked)
        losses = self.loop.losses(self.network, features, samples, rng)
        prior = features.fine.prior
        if replayed:
            # New labels are left out: the project's skin is a face in these data, and would be unlearned again.
            prior = prior.index_fill(1, torch.tensor([*self.new], dtype=torch.long, device=prior.device), 0.0)
            prior = prior / prior.sum(1, keepdim=True).clamp(min=SMALLEST)
        with torch.no_grad():
            expected = self.before.network.prior(before).to(self.device)
        cells = without_pieces(CELLS.of(true).long(), num_labels)
        told, kept = partial_label_losses(prior, expected, cells, set(range(prior.shape[1])).difference(asked))
        return losses.total + self.live_recipe.prior_weight * told + self.recipe.keeping_weight * kept

    def _carved(
        self, image: NDArray[np.uint8], parsing: NDArray[np.uint8], rng: np.random.Generator
    ) -> NDArray[np.uint8]:
        """The parsing with pieces, if the network was trained on any.

        Args:
            image: uint8 (3, height, width).
            parsing: uint8 (height, width), 255 where nothing is drawn.
            rng: of the pieces.
        """
        sub_parts, num_labels = self.live_recipe.sub_parts, len(self.labels)
        # A project may have more labels than leave room for pieces of them.
        if not sub_parts.share or 2 * num_labels > IGNORE:
            return parsing
        return sub_parts.draw(np.ascontiguousarray(image.transpose(1, 2, 0)), parsing, num_labels, rng)

    def _backbone_features(self, image: NDArray[np.uint8], box: Box, before: BackboneFeatures) -> BackboneFeatures:
        """Backbone features of a box of a photograph; ``before`` are those of the encoder before the fine-tuning."""
        if self.recipe.whole:
            return piece_of(self.network.network.backbone(torch.from_numpy(as_batch(image)).to(self.device)), box)
        return BackboneFeatures.of(part.to(self.device) for part in before.parts)
