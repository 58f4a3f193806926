"""Fine-tuning: a live network learns from a few photographs, with its encoder as it is.

What the encoder makes of each photograph is kept, so that a step costs little more than a click. The network learns in
the same loop as it was trained in, from the accepted label maps: simulated annotators click, it answers, they correct.
What it knew of labels that nobody asked for is kept by what its prior is told, see ``prior_losses``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ihp_backend.clicks import localization_maps
from ihp_backend.labels import LabelSet
from ihp_backend.learning.augmentation import mirror
from ihp_backend.learning.click_recipe import ClickRecipe
from ihp_backend.learning.extending import extended
from ihp_backend.learning.fine_tuning_recipe import RECIPE, FineTuningRecipe
from ihp_backend.learning.live_samples import CELLS, Grid, Samples
from ihp_backend.learning.loop import Loop
from ihp_backend.learning.new_labels import fit_new_labels
from ihp_backend.learning.prior_losses import SMALLEST, prior_losses
from ihp_backend.learning.situations import SituationRecipe
from ihp_backend.learning.trunk_cache import TrunkCache
from ihp_backend.learning.trunk_views import WorkingPhotograph, random_view
from ihp_backend.losses import SemanticPerceivingLoss
from ihp_backend.networks.live import Evidence, LiveFeatures, LiveNetwork

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
    ) -> None:
        torch.manual_seed(recipe.seed)
        self.before = network.eval()
        self.network = extended(network, len(labels) - network.num_labels)
        self.network.to(memory_format=torch.channels_last)
        self.labels, self.photographs, self.replay, self.cache = labels, photographs, replay, cache
        self.recipe, self.new = recipe, range(network.num_labels, len(labels)) if new is None else new
        self.asked = range(len(labels)) if asked is None else asked
        visited = recipe.visits * len(photographs) * (2 if replay else 1)
        self.steps = min(recipe.steps, max(-(-visited // recipe.batch), recipe.least_steps))
        self.loop = Loop(rounds=2, corrections_limit=6, forgetting=0.3, jaccard_weight=0.5)
        self.situations, self.clicks = SituationRecipe(), ClickRecipe()
        self.perceiving = SemanticPerceivingLoss(form="linear", margin=0.5)
        parameters = self._learning()
        self.optimiser = torch.optim.AdamW(parameters, lr=recipe.learning_rate, weight_decay=0.0)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, max_lr=recipe.learning_rate, total_steps=self.steps, pct_start=0.1
        )

    def run(self, checkpoint: Path | None = None, tell: Tell | None = None) -> bool:
        """Trains to the end, from the checkpoint on where there is one; False if it was ended before.

        Args:
            checkpoint: file in which the training is kept while it runs.
            tell: see ``Tell``.
        """
        first = self._resume(checkpoint)
        if first == 0:
            fit_new_labels(self.network, self.new, self.photographs, self.cache, self.recipe.seed)
        # Statistics stay as they are: a handful of photographs would spoil them.
        self.network.eval()
        for step in range(first, self.steps):
            loss = self._step(step)
            done = step + 1
            if checkpoint is not None and (done % self.recipe.save_every == 0 or done == self.steps):
                self._keep(checkpoint, done)
            if tell is not None and not tell(done, loss):
                return False
        return True

    def _learning(self) -> list[nn.Parameter]:
        """The weights that may change: all but the trunk's."""
        features = self.network.network
        parts = (features.embed, features.classify, features.contexts)
        modules: tuple[nn.Module, ...] = (*parts, self.network.fine, self.network.coarse, self.network.decoder)
        chosen = {id(parameter) for module in modules for parameter in module.parameters() if parameter.requires_grad}
        for parameter in self.network.parameters():
            parameter.requires_grad_(id(parameter) in chosen)
        return [parameter for parameter in self.network.parameters() if id(parameter) in chosen]

    def _step(self, step: int) -> float:
        rng = np.random.default_rng([self.recipe.seed, step])
        torch.manual_seed(int(rng.integers(2**62)))  # The SP-loss draws pairs with torch's own generator.
        self.optimiser.zero_grad(set_to_none=True)
        total = 0.0
        for number in range(step * self.recipe.batch, (step + 1) * self.recipe.batch):
            replayed = bool(self.replay) and number % 2 == 1
            loss = self._loss(self._photograph(number), rng, replayed) / self.recipe.batch
            loss.backward()
            total += float(loss.detach())
        nn.utils.clip_grad_norm_(self.optimiser.param_groups[0]["params"], 1.0)
        self.optimiser.step()
        self.schedule.step()
        return total

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
        trunk, parsing = random_view(self.cache.of(image), parsing, self.recipe.view, rng)
        features: LiveFeatures = self.network.network.heads(trunk)
        height, width = parsing.shape
        maps = localization_maps(self.clicks.draw(parsing, rng), height, width, len(self.labels))
        true = torch.from_numpy(np.ascontiguousarray(parsing))[None]
        asked = set(range(len(self.labels))).difference(self.new) if replayed else self.asked
        samples = Samples.draw(true, torch.from_numpy(maps)[None], self.situations, rng, asked)

        def answer(evidence: Evidence, grid: Grid) -> Tensor:
            return self.network.answer(features, evidence, grid.step, grid.phase)

        answered, _ = self.loop.losses(answer, samples, partial(Grid.draw, self.recipe.loss_step), rng)
        perceived = self.perceiving(features.fine.embedding, samples.parsing, samples.maps).loss
        prior = features.fine.prior
        if replayed:
            # What the project calls skin is a face there: with a part in it, new labels would be unlearned again.
            prior = prior.index_fill(1, torch.tensor([*self.new], dtype=torch.long), 0.0)
            prior = prior / prior.sum(1, keepdim=True).clamp(min=SMALLEST)
        with torch.no_grad():
            expected = self.before.network.prior(trunk)
        cells = CELLS.of(true).long()
        told, kept = prior_losses(prior, expected, cells, set(range(prior.shape[1])).difference(asked))
        loss = answered + self.recipe.semantic_perceiving_weight * perceived
        return loss + self.recipe.prior_weight * told + self.recipe.keeping_weight * kept

    def _keep(self, file: Path, step: int) -> None:
        part = file.with_name(f".{file.name}.part")
        torch.save({"step": step, **{name: part_.state_dict() for name, part_ in self._parts().items()}}, part)
        part.replace(file)

    def _resume(self, file: Path | None) -> int:
        if file is None or not file.exists():
            return 0
        try:
            kept = torch.load(file, map_location="cpu", weights_only=True)
            for name, part in self._parts().items():
                part.load_state_dict(kept[name])
            return int(kept["step"])
        except (RuntimeError, KeyError, ValueError, EOFError, OSError) as error:
            raise ValueError(f"checkpoint: {file} does not fit this training ({error}); remove it") from error

    def _parts(self) -> dict[str, Any]:
        return {"network": self.network, "optimiser": self.optimiser, "schedule": self.schedule}
