"""Turns a training checkpoint into a model folder that serves.

``python -m training.export runs/NAME/checkpoints/last.ckpt --out DIR``

Writes ``model.safetensors``, ``model.onnx`` or the two halves of a live network, ``encoder.onnx`` and ``decoder.onnx``
(weights in half precision, arithmetic in single), and ``model.json``, and checks that ONNX Runtime answers as torch
does before it says that it is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from ihp_backend.exporting import ExportError, write_model_folder
from ihp_backend.labels import BENCHMARKS, LabelSet
from ihp_backend.learning.live_recipe import LiveRecipe
from ihp_backend.networks import LiveNetwork, class_name
from ihp_backend.networks.weights import read_training_checkpoint
from training.run_folder import config_of, settings_of


def main(
    checkpoint: Annotated[Path, typer.Argument(help="Lightning checkpoint.")],
    out: Annotated[Path, typer.Option(help="Model folder to write.")],
    config: Annotated[
        Path | None, typer.Option(help="The training's config.yaml; default: in the folder above the checkpoint's.")
    ] = None,
    labels: Annotated[
        str | None, typer.Option(help="Label set of the data; needed only for checkpoints that do not carry theirs.")
    ] = None,
    working_size: Annotated[
        int, typer.Option(min=1, help="Pixels of the longer side at which the network works.")
    ] = 512,
) -> None:
    """Exports a checkpoint."""
    try:
        label_set = labels_of(checkpoint, labels)
        settings = settings_of(config or config_of(checkpoint))
        description = description_of(settings["model"]["network"])
        difference = write_model_folder(
            out, out.name, description, network_weights(checkpoint), label_set, working_size, None,
            recipe_of(description["class"], settings),
        )  # fmt: skip
    except (ExportError, OSError, ValueError) as error:
        raise SystemExit(f"export: {error}") from None
    size = sum(file.stat().st_size for file in out.iterdir())
    print(f"{out}: {size / 1e6:.1f} MB, ONNX Runtime within {difference:.1e} standard deviations of torch")


def description_of(configured: Mapping[str, Any]) -> dict[str, Any]:
    """A network of a training's configuration as model folders describe it, and so the networks among its arguments.

    The file that an encoder began with is left out; not every network has one.
    """
    arguments = {
        name: description_of(value) if isinstance(value, Mapping) and "class_path" in value else value
        for name, value in configured["init_args"].items()
    }
    if "encoder_weights" in arguments:
        arguments["encoder_weights"] = None
    return {"class": class_name(configured["class_path"]), "arguments": arguments}


def recipe_of(network: str, settings: Mapping[str, Any]) -> dict[str, Any] | None:
    """The recipe by which a live network was trained, for its fine-tuning; None for other networks."""
    if network != LiveNetwork.__name__:
        return None
    return LiveRecipe.of_training(settings["model"], settings.get("data") or {}).to_dict()


def labels_of(checkpoint: Path, name: str | None) -> LabelSet:
    """The labels that the checkpoint carries, or those of the benchmark called ``name``."""
    if name is not None and name not in BENCHMARKS:
        raise SystemExit(f"labels: {name!r} is unknown; known label sets: {', '.join(BENCHMARKS)}")
    carried = read_training_checkpoint(checkpoint, "checkpoint").get("labels")
    if name is not None:
        if carried is not None and (own := LabelSet.from_dict(carried)).names != BENCHMARKS[name].names:
            named = ", ".join(own.names)
            raise SystemExit(f"labels: {name!r} given, but {checkpoint} was trained on {named}; leave out --labels")
        return BENCHMARKS[name]
    if carried is None:
        raise SystemExit(f"labels: {checkpoint} does not carry its label set; name it with --labels, for example ccp")
    return LabelSet.from_dict(carried)


def network_weights(checkpoint: Path) -> dict[str, torch.Tensor]:
    """The averaged weights of a Lightning checkpoint where it has them, else the last ones.

    Raises:
        FileNotFoundError, ValueError: see ``read_training_checkpoint``; or it has no network.
    """
    state = read_training_checkpoint(checkpoint, "checkpoint")
    prefix = "network."
    weights = {name: tensor for name, tensor in state["state_dict"].items() if name.startswith(prefix)}
    if not weights:
        raise ValueError(f"checkpoint: {checkpoint} is of another program; give one that training.train wrote")
    return {name.removeprefix(prefix): tensor for name, tensor in weights.items()}


if __name__ == "__main__":
    typer.run(main)
