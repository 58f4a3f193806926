"""Weights from files: of a pretrained encoder, of a whole network, of a training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn


def not_finite(weights: Mapping[str, Tensor]) -> str | None:
    """The first tensor that holds NaN or an infinity, as a phrase such as ``network.bias holds nan``; None without."""
    floating = {name: tensor for name, tensor in weights.items() if tensor.is_floating_point()}
    # All weights are checked at once: on a GPU each check waits for what runs there.
    if not floating or bool(torch.stack([tensor.isfinite().all() for tensor in floating.values()]).all()):
        return None
    name, tensor = next((name, tensor) for name, tensor in floating.items() if not bool(tensor.isfinite().all()))
    return f"{name} holds {float(tensor.detach()[~tensor.isfinite()][0])}"


def differing(own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> list[str]:
    """Names of the tensors that only one of two networks has, or that are of other shapes."""
    shapes = [{name: tuple(tensor.shape) for name, tensor in weights.items()} for weights in (own, given)]
    return sorted(name for name in own.keys() | given.keys() if shapes[0].get(name) != shapes[1].get(name))


def encoder_of(network: nn.Module) -> nn.Module | None:
    """The pretrained encoder of a network: its ``encoder``, or that of its ``network``; None where it has none."""
    inner: object = network
    while isinstance(inner, nn.Module):
        if isinstance(found := getattr(inner, "encoder", None), nn.Module):
            return found
        inner = getattr(inner, "network", None)
    return None


def read_tensors(file: Path, field: str) -> dict[str, Any]:
    """Tensors of a file that ``torch.save`` wrote: a dictionary of them, or of dictionaries with them.

    Args:
        file: its path.
        field: the setting that names the file, for errors.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is empty, damaged, of another kind, or holds something else.
    """
    path = Path(file)
    size = _size(path, field)
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # Of a file that torch did not write anything may come.
        raise ValueError(
            f"{field}: {path} ({size} bytes) is truncated, or torch did not write it ({type(error).__name__}); "
            "give a file of tensors that was copied whole"
        ) from error
    if not isinstance(found, dict):
        raise ValueError(f"{field}: {path} holds one {type(found).__name__}, not tensors by name; give another file")
    return found


def _size(path: Path, field: str) -> int:
    """Bytes of a file; a FileNotFoundError where there is none, a ValueError where it is empty."""
    if not path.is_file():
        raise FileNotFoundError(f"{field}: {path} does not exist; give the path of an existing file")
    size = path.stat().st_size
    if size == 0:
        raise ValueError(f"{field}: {path} is empty (0 bytes); remove it, and give a file that was written whole")
    return size


def read_training_checkpoint(file: Path, field: str) -> dict[str, Any]:
    """A checkpoint that a training wrote; its ``state_dict`` is there and holds finite numbers.

    Args:
        file: its path.
        field: the setting that names the file, for errors.

    Raises:
        FileNotFoundError, ValueError: see ``read_tensors``; or it is something else, or its weights are not finite.
    """
    found = read_tensors(file, field)
    weights = found.get("state_dict")
    if (
        not isinstance(weights, dict)
        or not all(isinstance(tensor, Tensor) for tensor in weights.values())
        or "pytorch-lightning_version" not in found
    ):
        raise ValueError(f"{field}: {file} is no checkpoint of a training; give one that training.train wrote")
    if broken := not_finite(weights):
        raise ValueError(
            f"{field}: {file} is of a training that failed ({broken}); give an earlier checkpoint, or train anew"
        )
    return found


def load_encoder_weights(network: nn.Module, file: Path) -> None:
    """Fills a network's encoder, see ``encoder_of``, from ``file``: torchvision's or the encoder's own key names.

    The file may be the ``model.safetensors`` of a model folder, too: that model's encoder is taken. The filters of a
    widened first convolution go to its RGB channels; its other channels stay as they are.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the network has no encoder; the file cannot be read, holds no tensor that fits, lacks some the
            encoder needs, or holds NaN.
    """
    encoder = encoder_of(network)
    if encoder is None:
        raise ValueError(f"encoder_weights: {type(network).__name__} has no network.encoder to fill; leave them out")
    own = encoder.state_dict()
    given = _encoder_of_model(file) if Path(file).suffix == ".safetensors" else read_tensors(file, "encoder_weights")
    given = {name: tensor for name, tensor in given.items() if not str(name).startswith("classifier.")}
    # A counter of training batches does not matter and older files lack it.
    missing = sorted(name for name in own.keys() - given.keys() if not name.endswith("num_batches_tracked"))
    if missing:
        raise ValueError(
            f"encoder_weights: {file} lacks {len(missing)} tensors of this encoder (first: {missing[0]}); "
            "take weights of the same architecture"
        )
    fitting = {name: given[name] for name in own if name in given}
    for name, source in fitting.items():
        if not isinstance(source, Tensor):
            raise ValueError(
                f"encoder_weights: {name} of {file} is a {type(source).__name__}; take a file that holds tensors"
            )
    if broken := not_finite(fitting):
        raise ValueError(f"encoder_weights: {file} is damaged ({broken}); take weights that are finite")
    for name, source in fitting.items():
        target = own[name]
        if target.shape == source.shape:
            target.copy_(source)
        elif target.ndim == 4 and source.ndim == 4 and target[:, :3].shape == source.shape:
            target[:, :3] = source
        else:
            raise ValueError(
                f"encoder_weights: {name} is {tuple(source.shape)}, the encoder needs {tuple(own[name].shape)}"
            )


def _encoder_of_model(file: Path) -> dict[str, Tensor]:
    """The tensors of a model folder's encoder by the encoder's own names.

    Raises:
        FileNotFoundError, ValueError: see ``load_encoder_weights``.
    """
    _size(Path(file), "encoder_weights")
    try:
        whole = load_file(file)
    except SafetensorError as error:
        raise ValueError(
            f"encoder_weights: {file} is damaged ({error}); take the file of a whole model folder"
        ) from None
    parts = ((f".{name}".partition(".encoder."), tensor) for name, tensor in whole.items())
    return {name: tensor for (_, found, name), tensor in parts if found}


def load_network_weights(network: nn.Module, file: Path) -> None:
    """Fills a whole network from the ``model.safetensors`` of a model folder.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, or of another network.
    """
    if not Path(file).is_file():
        raise FileNotFoundError(f"start: {file} does not exist; give the model.safetensors of a model folder")
    try:
        given = load_file(file)
        network.load_state_dict(given, strict=True)
    except (RuntimeError, SafetensorError) as error:
        raise ValueError(
            f"start: {file} does not fit this network ({error}); take one of the same network and labels"
        ) from None
    if broken := not_finite(given):
        raise ValueError(f"start: {file} is damaged ({broken}); take a model whose weights are finite")
