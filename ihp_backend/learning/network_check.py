"""Network check: whether a network keeps its contract, looked at before it is trained for hours.

The contract stands in the docstrings of ``ClickNetwork``, ``LiveNetwork`` and ``PartNetwork``. It is tried on a copy of
the network, with random pixels of two small sizes and by an export.
"""

from __future__ import annotations

import copy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

import torch
from torch import Tensor, nn

from ihp_backend.exporting import ExportError
from ihp_backend.exporting.model_folder import TOLERANCE, to_stored, write_and_compare
from ihp_backend.networks import ClickNetwork, LiveNetwork, PartNetwork
from ihp_backend.networks.click_network import no_clicks
from ihp_backend.networks.live import DecoderInputs, clicked_in
from ihp_backend.networks.live.convex_combination import STRIDE

SIZES = ((2, 3), (5, 2))
"""Rows and columns, in multiples of the network's, of the images that it is tried on."""

PHOTOGRAPHS = 2


class ContractError(ValueError):
    """A network that does not keep its contract; the text names the method and what it answered."""


def check_network(network: nn.Module, export: bool = True) -> None:
    """Tries a network before it is trained; the network itself stays as it is.

    Args:
        network: untrained or trained, on the CPU. A ``PartNetwork`` that is no ``ClickNetwork`` has an input of its own
            and is not exported: nothing is tried of it.
        export: whether it is exported, too, which takes some twenty seconds.

    Raises:
        ContractError: a method answers another shape or type, or a value that is not finite; no weight gets a gradient;
            the weights cannot be loaded again; or it cannot be exported so that ONNX Runtime answers as torch does.
    """
    if isinstance(network, PartNetwork) and not isinstance(network, ClickNetwork):
        return
    if not isinstance(network, (ClickNetwork, LiveNetwork)):
        _refuse("class", f"a {type(network).__name__}", "a ClickNetwork, a LiveNetwork or a PartNetwork")
    for name, least in (("num_labels", 2), ("multiple_of", 1)):
        value = getattr(network, name, None)
        if not isinstance(value, int) or value < least:
            _refuse(name, repr(value), f"a whole number from {least}")
    tried = copy.deepcopy(network).cpu()
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        # A layer that starts with nothing but zeros would hide what comes before it.
        for parameter in tried.parameters():
            if not parameter.any():
                parameter.normal_(std=0.01)
        images = [
            torch.randint(0, 256, (PHOTOGRAPHS, 3, *(side * tried.multiple_of for side in size)), dtype=torch.uint8)
            for size in SIZES
        ]
    for image in images:
        _check_answers(tried, image)
    try:
        tried.load_state_dict(tried.state_dict())
    except (RuntimeError, KeyError) as error:
        _refuse("state_dict", " ".join(str(error).split()), "what load_state_dict takes")
    if export:
        _check_export(tried.eval())


def _check_answers(network: ClickNetwork | LiveNetwork, image: Tensor) -> None:
    network.train()
    network.zero_grad()
    maps = no_clicks(image, network.num_labels)
    maps[:, 1, 3, 5] = 0
    features = network.encode(image)
    if isinstance(network, LiveNetwork):
        shape = (len(image), network.num_labels)
        known = torch.eye(network.num_labels).expand(len(image), -1, -1)
        previous = torch.zeros(*shape, *(side // STRIDE for side in image.shape[-2:]))
        inputs = DecoderInputs(clicked_in(maps), known, previous, torch.ones(shape, dtype=torch.bool))
        logits: object = network.decode(features, inputs)
    else:
        decoded = network.decode(features, maps)
        logits = getattr(decoded, "logits", decoded)
        embedding = getattr(decoded, "embedding", None)
        if isinstance(logits, Tensor) and not (
            isinstance(embedding, Tensor) and embedding.ndim == 4 and embedding.shape[2:] == logits.shape[2:]
        ):
            _refuse("decode", f"the embedding {_shown(embedding)}", f"(N, channels, *{tuple(logits.shape[2:])})")
    wanted = f"float ({len(image)}, {network.num_labels}, h, w) at one stride for {tuple(image.shape[2:])} pixels"
    if not isinstance(logits, Tensor) or logits.ndim != 4 or logits.shape[:2] != (len(image), network.num_labels):
        _refuse("decode", f"the logits {_shown(logits)}", wanted)
    rows, columns = (side / cells for side, cells in zip(image.shape[2:], logits.shape[2:], strict=True))
    if rows != columns or rows != int(rows) or not logits.is_floating_point():
        _refuse("decode", f"the logits {_shown(logits)}", wanted)
    if not logits.isfinite().all():
        _refuse("decode", "logits that are not finite", wanted)
    logits.square().mean().backward()
    gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
    if not any(bool(gradient.any()) for gradient in gradients):
        _refuse("decode", "logits without a gradient to any weight", "logits that weights that learn have part in")
    if not all(bool(gradient.isfinite().all()) for gradient in gradients):
        _refuse("decode", "gradients that are not finite", "finite ones")
    network.zero_grad()


def _check_export(network: ClickNetwork | LiveNetwork) -> None:
    # Weights are stored like this: in half precision.
    network.load_state_dict({name: to_stored(tensor) for name, tensor in network.state_dict().items()})
    with TemporaryDirectory() as folder:
        try:
            difference = write_and_compare(network, Path(folder))
        except ExportError as error:
            _refuse("export", str(error), "a network that can be exported")
        except Exception as error:  # torch.export and the ONNX exporter have errors of many kinds.
            _refuse("export", f"{type(error).__name__}: {str(error).strip().splitlines()[0]}", "ONNX files")
    if not difference <= TOLERANCE:
        _refuse("export", f"answers that are {difference:.2g} standard deviations off", f"at most {TOLERANCE:g}")


def _shown(value: object) -> str:
    return f"{value.dtype} {tuple(value.shape)}" if isinstance(value, Tensor) else f"{type(value).__name__}"


def _refuse(method: str, answered: str, wanted: str) -> NoReturn:
    raise ContractError(
        f"network.{method}: {answered}; wanted is {wanted}. See docs/architecture.md, the two interfaces"
    )
