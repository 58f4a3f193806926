"""Weights from files: of a pretrained encoder, of a whole network."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn


def load_encoder_weights(network: nn.Module, file: Path) -> None:
    """Fills the encoder (``network.network.encoder``) from ``file``: torchvision's or the encoder's own key names.

    The filters of a widened first convolution go to its RGB channels; its other channels stay as they are.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file holds no tensor that fits, or lacks some the encoder needs.
    """
    if not Path(file).is_file():
        raise FileNotFoundError(f"encoder_weights: {file} does not exist; give the file of a pretrained encoder")
    encoder: nn.Module = network.network.encoder  # type: ignore[assignment,union-attr]
    own = encoder.state_dict()
    given = torch.load(file, map_location="cpu", weights_only=True)
    given = {name: tensor for name, tensor in given.items() if not name.startswith("classifier.")}
    # A counter of training batches does not matter and older files lack it.
    missing = sorted(name for name in own.keys() - given.keys() if not name.endswith("num_batches_tracked"))
    if missing:
        raise ValueError(
            f"encoder_weights: {file} lacks {len(missing)} tensors of this encoder (first: {missing[0]}); "
            "take weights of the same architecture"
        )
    for name in own.keys() & given.keys():
        target, source = own[name], given[name]
        if target.shape == source.shape:
            target.copy_(source)
        elif target.ndim == 4 and source.shape[1] == 3 and target[:, :3].shape == source.shape:
            target[:, :3] = source
        else:
            raise ValueError(
                f"encoder_weights: {name} is {tuple(source.shape)}, the encoder needs {tuple(own[name].shape)}"
            )


def load_network_weights(network: nn.Module, file: Path) -> None:
    """Fills a whole network from the ``model.safetensors`` of a model folder.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, or of another network.
    """
    if not Path(file).is_file():
        raise FileNotFoundError(f"start: {file} does not exist; give the model.safetensors of a model folder")
    try:
        network.load_state_dict(load_file(file), strict=True)
    except (RuntimeError, SafetensorError) as error:
        raise ValueError(
            f"start: {file} does not fit this network ({error}); take one of the same network and labels"
        ) from None
