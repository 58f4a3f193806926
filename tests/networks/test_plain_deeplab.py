"""DeepLab V3+ without clicks: what is exported takes clicks and ignores them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import torch

from ihp_backend.exporting.onnx_networks import export_onnx
from ihp_backend.networks import PlainDeepLab


def test_clicks_change_nothing_in_torch_and_in_onnx(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = PlainDeepLab(4, encoder="tu-test_resnet", decoder_channels=16).eval()
    export_onnx(network, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (1, 3, 64, 96), dtype=np.uint8)
    answers = []
    for maps in (np.full((1, 4, 64, 96), 255, np.uint8), rng.integers(0, 256, (1, 4, 64, 96), dtype=np.uint8)):
        answers.append(session.run(["logits"], {"image": image, "click_maps": maps})[0])
        with torch.inference_mode():
            answers.append(network(torch.from_numpy(image), torch.from_numpy(maps)).numpy())
    assert answers[0].shape == (1, 4, 16, 24)
    assert answers[0].std() > 0
    np.testing.assert_array_equal(answers[0], answers[2])
    np.testing.assert_array_equal(answers[1], answers[3])
    # The export rounds the filters to half precision, which the network at hand has not done.
    np.testing.assert_allclose(answers[0], answers[1], atol=2e-2 * answers[1].std())


def test_the_encoder_sees_the_photograph_alone() -> None:
    network = PlainDeepLab(4, decoder_channels=16)
    first = next(module for module in network.modules() if isinstance(module, torch.nn.Conv2d))
    assert first.in_channels == 3
    image = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    decoded = network.decode(network.encode(image), torch.full((2, 4, 64, 64), 255, dtype=torch.uint8))
    assert decoded.logits.shape == (2, 4, 16, 16)
    assert decoded.embedding.shape == (2, 16, 16, 16)
