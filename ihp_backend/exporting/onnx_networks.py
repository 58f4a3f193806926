"""ONNX files of networks: a click network becomes one file, a live network two; each answers as torch does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ihp_backend.clicks import Click, localization_maps
from ihp_backend.exporting.onnx_file import write_onnx
from ihp_backend.networks import ClickNetwork
from ihp_backend.networks.live.convex_combination import shares
from ihp_backend.networks.live.live_network import LiveNetwork
from ihp_backend.parsing.cores import available_cores
from ihp_backend.parsing.engines.base import DecoderInputs
from ihp_backend.parsing.engines.onnx_engines import DECODER, ENCODER, OnnxLiveEngine, open_session
from ihp_backend.parsing.engines.torch_engines import TorchLiveEngine


class ExportError(RuntimeError):
    """A network that is not exported; the text says why."""


def difference(found: NDArray[np.float32], wanted: NDArray[np.float32], *, relative: bool = True) -> float:
    """The largest difference of a value.

    Args:
        found, wanted: what ONNX Runtime and torch answer to the same, of any one shape.
        relative: in standard deviations of what torch answers.

    Raises:
        ExportError: a value is NaN or infinite, or all are the same, so that no deviation is to be compared with.
    """
    for runtime, values in (("torch", wanted), ("ONNX Runtime", found)):
        if not np.isfinite(values).all():
            raise ExportError(
                f"the network's answers in {runtime} are not finite; not exported: take an earlier checkpoint, or "
                "train anew with a smaller learning rate"
            )
    deviation = float(wanted.std()) if relative else 1.0
    if deviation == 0:
        raise ExportError("the network answers the same everywhere, so it has learned nothing; not exported")
    return float(np.abs(found - wanted).max()) / deviation


class Encoding(NamedTuple):
    """The outputs of the encoder, the first half.

    Attributes:
        embedding, embedding_8: float (1, D + 3, h, w) at stride 4, and at stride 8: ``Sight.look``.
        prior, prior_8: float (1, known labels, h, w), probabilities at stride 4, and at stride 8.
        context_4, context_8, context_16: float (1, C, ...) at those strides.
        shares: float (h, w, 16, 9), of the nine cells around each cell in each of its pixels.
    """

    embedding: Tensor
    embedding_8: Tensor
    prior: Tensor
    prior_8: Tensor
    context_4: Tensor
    context_8: Tensor
    context_16: Tensor
    shares: Tensor


class EncoderHalf(nn.Module):
    """``image`` uint8 (1, 3, H, W) to an ``Encoding``."""

    def __init__(self, network: LiveNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Encoding:
        """Encodes one photograph."""
        features = self.network.encode(image)
        fine, coarse = features.fine, features.coarse
        return Encoding(
            fine.look,
            coarse.look,
            fine.prior,
            coarse.prior,
            *features.context,
            shares(features.mixture),
        )


class DecoderHalf(nn.Module):
    """The planes of one label to its logits, float (1, 1, h, w); the planes are made beforehand.

    The context passes through convolutions that change nothing. ONNX Runtime keeps what comes out of a convolution in
    blocks of channels; what is added to such values without being one it has to put into that order and back.
    """

    def __init__(self, network: LiveNetwork) -> None:
        super().__init__()
        self.decoder = network.decoder
        self.unchanged = nn.ModuleList(_unchanging(channels) for channels in network.decoder.widths)

    def forward(self, fine: Tensor, coarse: Tensor, context_4: Tensor, context_8: Tensor, context_16: Tensor) -> Tensor:
        """Decodes one label of one photograph.

        Args:
            fine: float (1, fine planes, h, w).
            coarse: float (1, coarse planes, h/2, w/2).
            context_4, context_8, context_16: see ``Encoding``.
        """
        context = zip(self.unchanged, (context_4, context_8, context_16), strict=True)
        four, eight, sixteen = (layer(values) for layer, values in context)
        logits: Tensor = self.decoder(fine, coarse, (four, eight, sixteen))
        return logits


def _unchanging(channels: int) -> nn.Conv2d:
    """A convolution that gives what it gets."""
    layer = nn.Conv2d(channels, channels, 1, groups=channels, bias=False)
    nn.init.ones_(layer.weight)
    return layer


def export_onnx(network: ClickNetwork, path: Path) -> None:
    """Writes the network with inputs image and click_maps of any height and width."""
    side = 8 * network.multiple_of
    image = torch.zeros(1, 3, side, side + network.multiple_of, dtype=torch.uint8)
    maps = torch.zeros(1, network.num_labels, *image.shape[-2:], dtype=torch.uint8)
    height = network.multiple_of * torch.export.Dim("rows", min=2, max=512)
    width = network.multiple_of * torch.export.Dim("columns", min=2, max=512)
    sizes = {2: height, 3: width}
    write_onnx(network, {"image": image, "click_maps": maps}, ["logits"], {"image": sizes, "click_maps": sizes}, path)


def largest_difference(network: ClickNetwork, path: Path) -> float:
    """The largest difference of a logit between torch and ONNX Runtime over a few sizes, in standard deviations.

    Raises:
        ExportError: an answer is not finite.
    """
    session = open_session(path, threads=available_cores())
    rng = np.random.default_rng(0)
    worst = 0.0
    for rows, columns in ((2, 2), (32, 12), (17, 30)):
        height, width = rows * network.multiple_of, columns * network.multiple_of
        image = rng.integers(0, 256, (1, 3, height, width), dtype=np.uint8)
        clicks = [
            Click(int(rng.integers(width)), int(rng.integers(height)), label) for label in range(network.num_labels)
        ]
        maps = localization_maps(clicks, height, width, network.num_labels)[None]
        (found,) = session.run(["logits"], {"image": image, "click_maps": maps})
        with torch.inference_mode():
            wanted = network(torch.from_numpy(image), torch.from_numpy(maps)).numpy()
        worst = max(worst, difference(found, wanted))
    return worst


SIZES = ((1, 1, 1, 2), (32, 12, 30, 9), (17, 30, 200, 24))
"""Rows and columns in multiples of 16 pixels, clicks and labels with which the files are compared to torch."""


def export_halves(network: LiveNetwork, folder: Path) -> None:
    """Writes ``encoder.onnx`` and ``decoder.onnx``, for any height and width."""
    rows = torch.export.Dim("rows", min=1, max=512)
    columns = torch.export.Dim("columns", min=1, max=512)
    image = torch.zeros(1, 3, 16 * 6, 16 * 9, dtype=torch.uint8)
    encoder, decoder = EncoderHalf(network).eval(), DecoderHalf(network).eval()
    sizes = {"image": {2: 16 * rows, 3: 16 * columns}}
    write_onnx(encoder, {"image": image}, list(Encoding._fields), sizes, folder / ENCODER)
    with torch.no_grad():
        encoding = encoder(image)
    example = {
        "fine": torch.zeros(1, network.fine.count, *encoding.context_4.shape[2:]),
        "coarse": torch.zeros(1, network.coarse.count, *encoding.context_8.shape[2:]),
        **{name: getattr(encoding, name) for name in ("context_4", "context_8", "context_16")},
    }
    sizes = {
        "fine": {2: 4 * rows, 3: 4 * columns},
        "coarse": {2: 2 * rows, 3: 2 * columns},
        "context_4": {2: 4 * rows, 3: 4 * columns},
        "context_8": {2: 2 * rows, 3: 2 * columns},
        "context_16": {2: rows, 3: columns},
    }
    planes = {name: json.dumps(getattr(network, name).describe()) for name in ("fine", "coarse")}
    write_onnx(decoder, example, ["logits"], sizes, folder / DECODER, planes)


def difference_of_halves(network: LiveNetwork, folder: Path) -> float:
    """The largest difference of a logit between torch and ONNX Runtime over a few sizes, in standard deviations.

    Raises:
        ExportError: an answer is not finite.
    """
    threads = torch.get_num_threads()
    engines = OnnxLiveEngine(folder / ENCODER, folder / DECODER, 1, everywhere=True), TorchLiveEngine(network, threads)
    worst = 0.0
    for number, (rows, columns, clicks, labels) in enumerate(SIZES):
        image, inputs = example(network.num_labels, 16 * rows, 16 * columns, clicks, labels, number)
        (found, shares), (wanted, wanted_shares) = (
            (engine.decode(encoded.features, inputs), encoded.shares)
            for engine in engines
            for encoded in [engine.encode(image)]
        )
        worst = max(worst, difference(found, wanted), difference(shares, wanted_shares, relative=False))
    return worst


def example(
    num_known: int, height: int, width: int, clicks: int, labels: int, seed: int = 0
) -> tuple[np.ndarray, DecoderInputs]:
    """A random photograph, uint8 (height, width, 3), and random inputs of the decoder for it."""
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    places = np.stack([rng.integers(0, height, clicks), rng.integers(0, width, clicks)], 1)
    signs = np.eye(labels, dtype=np.float32)[rng.integers(0, labels, clicks)]
    negative = rng.random((clicks, 1)) < 0.2
    known = np.eye(labels, num_known, dtype=np.float32)
    known[rng.random(labels) < 0.3] = 0
    previous = rng.dirichlet(np.ones(labels), (height // 4, width // 4)).astype(np.float32).transpose(2, 0, 1)
    return image, DecoderInputs(places, signs * ~negative, signs * negative, known, np.ascontiguousarray(previous))
