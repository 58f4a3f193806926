"""Turns a training checkpoint into a model folder that serves.

``python -m training.export runs/NAME/checkpoints/last.ckpt --out DIR``

Writes ``model.safetensors``, ``model.onnx`` or the two halves of a live network, ``encoder.onnx`` and ``decoder.onnx``
(weights in half precision, arithmetic in single), and ``model.json``, and checks that ONNX Runtime answers as torch
does before it says that it is done.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import torch
import typer
from safetensors.torch import save

from ihp_backend.labels import BENCHMARKS, LabelSet
from ihp_backend.networks import ClickNetwork, LiveNetwork, build_network
from ihp_backend.parsing.checkpoint import FORMAT
from training.exporting.click_network import export_onnx, largest_difference
from training.exporting.live_network import difference_of_halves, export_halves
from training.exporting.onnx_file import is_filter
from training.run_folder import config_of, settings_of

TOLERANCE = 2e-3
"""Largest difference of a logit between torch and ONNX Runtime, in units of the logits' standard deviation."""


def main(
    checkpoint: Annotated[Path, typer.Argument(help="Lightning checkpoint.")],
    out: Annotated[Path, typer.Option(help="Model folder to write.")],
    config: Annotated[
        Path | None, typer.Option(help="The training's config.yaml; default: in the folder above the checkpoint's.")
    ] = None,
    labels: Annotated[
        str | None, typer.Option(help="Label set of the data; needed only for checkpoints that do not carry theirs.")
    ] = None,
    working_size: Annotated[int, typer.Option(help="Pixels of the longer side at which the network works.")] = 512,
) -> None:
    """Exports a checkpoint."""
    label_set = labels_of(checkpoint, labels)
    try:
        network_config = settings_of(config or config_of(checkpoint))["model"]["network"]
    except (OSError, ValueError) as error:
        raise SystemExit(f"export: {error}") from None
    description = {
        "class": network_config["class_path"].rpartition(".")[2],
        "arguments": {**network_config["init_args"], "encoder_weights": None},
    }
    network = build_network(description).eval()
    network.load_state_dict(network_weights(checkpoint))
    # What is shipped is what is compared: torch answers with the rounded weights too.
    stored = {name: to_stored(tensor) for name, tensor in network.state_dict().items()}
    network.load_state_dict(stored)
    out.mkdir(parents=True, exist_ok=True)
    # Beside the folder's files until everything is proven, so that a failed export leaves what was there.
    with TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as unproven:
        made = Path(unproven)
        (made / "model.safetensors").write_bytes(save(stored))
        difference = write_and_compare(network, made)
        if difference > TOLERANCE:
            raise SystemExit(
                f"export: ONNX Runtime differs from torch by {difference:.2g} standard deviations; not exported"
            )
        write_description(made, out.name, description, label_set, working_size, network.multiple_of)
        for file in made.iterdir():
            file.replace(out / file.name)
    size = sum(file.stat().st_size for file in out.iterdir())
    print(f"{out}: {size / 1e6:.1f} MB, ONNX Runtime within {difference:.1e} standard deviations of torch")


def labels_of(checkpoint: Path, name: str | None) -> LabelSet:
    """The labels that the checkpoint carries, or those of the benchmark called ``name``."""
    if name is not None:
        if name not in BENCHMARKS:
            raise SystemExit(f"labels: {name!r} is unknown; known label sets: {', '.join(BENCHMARKS)}")
        return BENCHMARKS[name]
    carried = torch.load(checkpoint, map_location="cpu", weights_only=True).get("labels")
    if carried is None:
        raise SystemExit(f"labels: {checkpoint} does not carry its label set; name it with --labels, for example ccp")
    return LabelSet.from_dict(carried)


def network_weights(checkpoint: Path) -> dict[str, torch.Tensor]:
    """The averaged weights of a Lightning checkpoint where it has them, else the last ones."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    prefix = "network."
    weights = {name: tensor for name, tensor in state["state_dict"].items() if name.startswith(prefix)}
    return {name.removeprefix(prefix): tensor for name, tensor in weights.items()}


def to_stored(tensor: torch.Tensor) -> torch.Tensor:
    """Filters in half precision; statistics and offsets as they are, for they are few and of any magnitude."""
    return (tensor.half() if is_filter(tensor) else tensor).contiguous()


def write_and_compare(network: ClickNetwork | LiveNetwork, folder: Path) -> float:
    """Writes the ONNX files of a network; the largest difference to torch, in standard deviations of its logits."""
    if isinstance(network, LiveNetwork):
        export_halves(network, folder)
        return difference_of_halves(network, folder)
    export_onnx(network, folder / "model.onnx")
    return largest_difference(network, folder / "model.onnx")


def write_description(
    out: Path, name: str, network: dict[str, Any], labels: LabelSet, working_size: int, multiple_of: int
) -> None:
    """Writes ``model.json``; the version is the name and the beginning of the weights' digest."""
    digests = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(out.iterdir())}
    described = {
        "format": FORMAT,
        "name": name,
        "version": f"{name}-{digests['model.safetensors'][:8]}",
        "labels": labels.to_dict(),
        "network": network,
        "working_size": working_size,
        "multiple_of": multiple_of,
        "sha256": digests,
    }
    (out / "model.json").write_text(json.dumps(described, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
