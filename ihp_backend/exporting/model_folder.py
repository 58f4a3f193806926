"""Model folders: weights, ONNX files that answer as torch does, and a description."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from safetensors.torch import save

from ihp_backend.exporting.onnx_file import is_filter
from ihp_backend.exporting.onnx_networks import (
    ExportError,
    difference_of_halves,
    export_halves,
    export_onnx,
    largest_difference,
)
from ihp_backend.labels import LabelSet
from ihp_backend.networks import ClickNetwork, LiveNetwork, build_network
from ihp_backend.networks.weights import differing, not_finite
from ihp_backend.parsing.checkpoint import FORMAT

TOLERANCE = 2e-3
"""Largest difference of a logit between torch and ONNX Runtime, in units of the logits' standard deviation."""


def write_model_folder(
    out: Path,
    name: str,
    description: Mapping[str, Any],
    weights: Mapping[str, torch.Tensor],
    labels: LabelSet,
    working_size: int,
    temperature: float | None = None,
    recipe: Mapping[str, Any] | None = None,
) -> float:
    """Writes a model folder; gives how far ONNX Runtime is from torch, in standard deviations of the logits.

    Everything is made and proven beside ``out``, which stays as it was if that fails.

    Args:
        out: the model folder.
        name: of the model; its version is the name and the beginning of the weights' sum.
        description: {"class": name, "arguments": {...}} of the network.
        weights: of the network; they are stored in half precision where that costs nothing.
        labels, working_size, temperature, recipe: see ``parsing.checkpoint``.

    Raises:
        ExportError: weights or answers are not finite, the weights are of another network, or ONNX Runtime answers
            otherwise than torch.
    """
    if broken := not_finite(weights):
        raise ExportError(f"weights: {broken}; not exported: take an earlier checkpoint, or train anew")
    network = build_network(description).eval()
    if different := differing(network.state_dict(), weights):
        raise ExportError(
            f"weights: {len(different)} tensors differ from those of {description['class']} (first: {different[0]}); "
            "give the configuration of the training that made them"
        )
    network.load_state_dict(dict(weights))
    # The shipped weights are the compared ones: torch answers with the rounded weights, too.
    stored = {key: to_stored(tensor) for key, tensor in network.state_dict().items()}
    if broken := not_finite(stored):
        raise ExportError(f"weights: {broken} in half precision, which ends at 65504; not exported: train anew")
    network.load_state_dict(stored)
    out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as unproven:
        made = Path(unproven)
        (made / "model.safetensors").write_bytes(save(stored))
        difference = write_and_compare(network, made)
        if not difference <= TOLERANCE:
            raise ExportError(f"ONNX Runtime differs from torch by {difference:.2g} standard deviations; not exported")
        write_description(made, name, description, labels, working_size, network.multiple_of, temperature, recipe)
        out.mkdir(exist_ok=True)
        for file in made.iterdir():
            file.replace(out / file.name)
    return difference


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
    out: Path,
    name: str,
    network: Mapping[str, Any],
    labels: LabelSet,
    working_size: int,
    multiple_of: int,
    temperature: float | None = None,
    recipe: Mapping[str, Any] | None = None,
) -> None:
    """Writes ``model.json``; the version is the name and the beginning of the weights' digest."""
    digests = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(out.iterdir())}
    described = {
        "format": FORMAT,
        "name": name,
        "version": f"{name}-{digests['model.safetensors'][:8]}",
        "labels": labels.to_dict(),
        "network": dict(network),
        "working_size": working_size,
        "multiple_of": multiple_of,
        "sha256": digests,
        **({} if temperature is None else {"temperature": temperature}),
        **({} if recipe is None else {"recipe": dict(recipe)}),
    }
    (out / "model.json").write_text(json.dumps(described, indent=1) + "\n")
