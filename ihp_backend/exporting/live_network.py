"""A live network becomes two files: one is run when a photograph is opened, the other at every click."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

from ihp_backend.exporting.comparison import difference
from ihp_backend.exporting.onnx_file import write_onnx
from ihp_backend.networks import LiveNetwork
from ihp_backend.networks.live.halves import DecoderHalf, EncoderHalf, Encoding
from ihp_backend.parsing.live_engine import Question
from ihp_backend.parsing.onnx_live_engine import DECODER, ENCODER, OnnxLiveEngine
from ihp_backend.parsing.torch_live_engine import TorchLiveEngine

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
        image, question = example(network.num_labels, 16 * rows, 16 * columns, clicks, labels, number)
        (found, shares), (wanted, wanted_shares) = (
            (engine.decode(encoded.features, question), encoded.shares)
            for engine in engines
            for encoded in [engine.encode(image)]
        )
        worst = max(worst, difference(found, wanted), difference(shares, wanted_shares, relative=False))
    return worst


def example(
    num_known: int, height: int, width: int, clicks: int, labels: int, seed: int = 0
) -> tuple[np.ndarray, Question]:
    """A random photograph, uint8 (height, width, 3), and a random question about it."""
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    places = np.stack([rng.integers(0, height, clicks), rng.integers(0, width, clicks)], 1)
    signs = np.eye(labels, dtype=np.float32)[rng.integers(0, labels, clicks)]
    negative = rng.random((clicks, 1)) < 0.2
    known = np.eye(labels, num_known, dtype=np.float32)
    known[rng.random(labels) < 0.3] = 0
    previous = rng.dirichlet(np.ones(labels), (height // 4, width // 4)).astype(np.float32).transpose(2, 0, 1)
    return image, Question(places, signs * ~negative, signs * negative, known, np.ascontiguousarray(previous))
