"""Training state: weights, optimiser and schedule of a fine-tuning, and the checkpoint of all three."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from ihp_backend.finetuning.recipes import FineTuningRecipe
from ihp_backend.networks.live import LiveNetwork
from ihp_backend.networks.weights import read_tensors
from ihp_backend.storage.atomic_files import whole_file


class FineTuningState:
    """The state of one fine-tuning.

    Args:
        network: that learns; which of its weights may change is set here.
        recipe: how.
        steps: that will be taken.
    """

    def __init__(self, network: LiveNetwork, recipe: FineTuningRecipe, steps: int) -> None:
        self.network = network
        groups = _learning(network, recipe)
        self._parameters = [parameter for group in groups for parameter in group["params"]]
        self.optimiser = torch.optim.AdamW(groups, weight_decay=0.0)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, max_lr=[group["lr"] for group in groups], total_steps=steps, pct_start=0.1
        )

    def step(self) -> None:
        """Changes the weights by the gradients that were gathered, and forgets these."""
        nn.utils.clip_grad_norm_(self._parameters, 1.0)
        self.optimiser.step()
        self.schedule.step()
        self.optimiser.zero_grad(set_to_none=True)

    def keep(self, file: Path, step: int) -> None:
        """Writes it after so many steps, whole or not at all; raises ``OSError``."""
        with whole_file(file) as part:
            torch.save({"step": step, **{name: kept.state_dict() for name, kept in self._parts().items()}}, part)

    def resume(self, file: Path) -> int:
        """Reads it, and says after how many steps it was written.

        Raises:
            ValueError: it is broken, or of another training.
        """
        try:
            kept = read_tensors(file, "checkpoint")
            for name, part in self._parts().items():
                part.load_state_dict(kept[name])
            return int(kept["step"])
        except (RuntimeError, KeyError, ValueError, TypeError, OSError) as error:
            raise ValueError(f"checkpoint: {file} does not fit this training ({error}); remove it") from error

    def _parts(self) -> dict[str, Any]:
        return {"network": self.network, "optimiser": self.optimiser, "schedule": self.schedule}


def _learning(network: LiveNetwork, recipe: FineTuningRecipe) -> list[dict[str, Any]]:
    """The weights that may change, and how fast: those of the heads, and the backbone's if the whole is to learn."""
    features = network.network
    parts = (features.embed, features.classify, features.contexts)
    modules: tuple[nn.Module, ...] = (*parts, network.fine, network.coarse, network.decoder)
    of_heads = {id(parameter) for module in modules for parameter in module.parameters() if parameter.requires_grad}
    heads: dict[str, Any] = {"params": [], "lr": recipe.learning_rate}
    backbone: dict[str, Any] = {"params": [], "lr": recipe.learning_rate * recipe.encoder_share}
    for parameter in network.parameters():
        group = heads if id(parameter) in of_heads else backbone
        parameter.requires_grad_(parameter.requires_grad and (group is heads or recipe.whole))
        if parameter.requires_grad:
            group["params"].append(parameter)
    return [heads, backbone] if backbone["params"] else [heads]
