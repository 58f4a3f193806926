"""The mean of several models' weights: ``python -m training.average MODEL MODEL --out FOLDER``.

Weights that were trained from the same beginning may be averaged ("Model soups", Wortsman et al. 2022): a model that
learned something new and the one that it began from meet in the middle, and may keep the best of both. The result is
not calibrated: ``python -m training.calibrate`` comes next.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import torch
import typer
from safetensors.torch import load_file
from torch import Tensor

from ihp_backend.exporting import ExportError, write_model_folder
from ihp_backend.networks.weights import differing
from ihp_backend.parsing.checkpoint import CheckpointError, read_checkpoint


def main(
    models: Annotated[list[str], typer.Argument(help="Packaged models' names or model folders, at least two.")],
    out: Annotated[Path, typer.Option(help="Model folder to write.")],
) -> None:
    """Averages models of one network."""
    try:
        if len(models) < 2:
            raise ValueError(f"models: {len(models)} given; give at least two")
        read = [read_checkpoint(model) for model in models]
        first = read[0]
        for model, other in zip(models[1:], read[1:], strict=True):
            if (other.network, other.labels) != (first.network, first.labels):
                raise ValueError(
                    f"models: network or labels of {model} are not those of {models[0]}; give models alike"
                )
        weights = [load_file(one.folder / "model.safetensors") for one in read]
        for model, its_weights in zip(models[1:], weights[1:], strict=True):
            if different := differing(weights[0], its_weights):
                raise ValueError(f"models: {different[0]} of {model} is not as in {models[0]}; give models alike")
        difference = write_model_folder(
            out, out.name, first.network, averaged(weights), first.labels, first.working_size, None, first.recipe
        )
    except (CheckpointError, ExportError, OSError, ValueError) as error:
        raise SystemExit(f"average: {error}") from None
    print(f"{out}: the mean of {len(models)} models, ONNX Runtime within {difference:.1e} standard deviations of torch")


def averaged(weights: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of each tensor; of whole numbers, which only count, the first model's."""
    return {
        name: torch.stack([one[name].float() for one in weights]).mean(0) if first.is_floating_point() else first
        for name, first in weights[0].items()
    }


if __name__ == "__main__":
    typer.run(main)
