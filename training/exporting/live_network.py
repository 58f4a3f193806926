"""A live network becomes two files: one is run when a photograph is opened, the other at every click."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor

from ihp_backend.networks import LiveNetwork
from ihp_backend.networks.live.halves import DecoderHalf, EncoderHalf, Encoding
from ihp_backend.parsing.onnx_live_engine import DECODER, ENCODER
from training.exporting.onnx_file import write_onnx

SIZES = ((1, 1, 1, 2), (16, 6, 30, 9), (9, 15, 200, 24))
"""Rows and columns in multiples of 32 pixels, clicks and labels with which the files are compared to torch."""


def export_halves(network: LiveNetwork, folder: Path) -> None:
    """Writes ``encoder.onnx`` and ``decoder.onnx``, for any height, width, number of clicks and of labels."""
    rows = torch.export.Dim("rows", min=1, max=512)
    columns = torch.export.Dim("columns", min=1, max=512)
    clicks, labels = torch.export.Dim("clicks", min=1, max=1 << 16), torch.export.Dim("labels", min=1, max=1 << 12)
    image, question = example(network, 6, 9, 5, 7)
    encoder = EncoderHalf(network).eval()
    sizes = {"image": {2: 32 * rows, 3: 32 * columns}}
    write_onnx(encoder, {"image": image}, list(Encoding._fields), sizes, folder / ENCODER)
    with torch.no_grad():
        encoding = dict(zip(Encoding._fields[:-1], encoder(image), strict=False))
    sizes = {
        **{name: {2: 8 * rows, 3: 8 * columns} for name in ("embedding", "prior")},
        "context_8": {2: 4 * rows, 3: 4 * columns},
        "context_16": {2: 2 * rows, 3: 2 * columns},
        "context_32": {2: rows, 3: columns},
        "fine": {2: 8 * rows, 3: 8 * columns},
        "places": {0: clicks},
        **{name: {0: clicks, 1: labels} for name in ("own", "against")},
        "known": {0: labels},
        "previous": {0: labels, 1: 8 * rows, 2: 8 * columns},
    }
    write_onnx(DecoderHalf(network).eval(), {**encoding, **question}, ["logits"], sizes, folder / DECODER)


def example(
    network: LiveNetwork, rows: int, columns: int, clicks: int, labels: int, seed: int = 0
) -> tuple[Tensor, dict[str, Tensor]]:
    """A random photograph and a random question about it, of a size in multiples of 32 pixels."""
    rng = np.random.default_rng(seed)
    height, width = 32 * rows, 32 * columns
    image = rng.integers(0, 256, (1, 3, height, width), dtype=np.uint8)
    places = np.stack([rng.integers(0, height, clicks), rng.integers(0, width, clicks)], 1)
    signs = np.eye(labels, dtype=np.float32)[rng.integers(0, labels, clicks)]
    negative = rng.random((clicks, 1)) < 0.2
    known = np.eye(labels, network.num_labels, dtype=np.float32)
    known[rng.random(labels) < 0.3] = 0
    previous = rng.dirichlet(np.ones(labels), (height // 4, width // 4)).astype(np.float32).transpose(2, 0, 1)
    question = {
        "places": places,
        "own": signs * ~negative,
        "against": signs * negative,
        "known": known,
        "previous": np.ascontiguousarray(previous),
    }
    return torch.from_numpy(image), {name: torch.from_numpy(part) for name, part in question.items()}


def difference_of_halves(network: LiveNetwork, folder: Path) -> float:
    """The largest difference of a logit between torch and ONNX Runtime over a few sizes, in standard deviations."""
    encoder, decoder = (
        onnxruntime.InferenceSession(str(folder / name), providers=["CPUExecutionProvider"])
        for name in (ENCODER, DECODER)
    )
    worst = 0.0
    for number, size in enumerate(SIZES):
        image, question = example(network, *size, seed=number)
        with torch.inference_mode():
            encoding = EncoderHalf(network).eval()(image)
            wanted = DecoderHalf(network).eval()(*encoding[:-1], *question.values()).numpy()
        found = dict(zip(Encoding._fields, encoder.run(list(Encoding._fields), {"image": image.numpy()}), strict=True))
        worst = max(worst, float(np.abs(found.pop("shares") - encoding.shares.numpy()).max()))
        given = {name: part.numpy() for name, part in question.items()}
        (logits,) = decoder.run(["logits"], {**found, **given})
        worst = max(worst, float(np.abs(logits - wanted).max() / wanted.std()))
    return worst
