"""iDeepLab V3+: one part at a time, and the multi-class protocol around it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from ihp_backend.clicks import Click, localization_maps
from ihp_backend.exporting.onnx_networks import export_onnx
from ihp_backend.networks import Decoded, InteractiveDeepLab

LABELS = 6


@pytest.fixture(scope="module")
def network() -> InteractiveDeepLab:
    """A network that hears its clicks: the filters that start at zero are random here."""
    torch.manual_seed(0)
    built = InteractiveDeepLab(LABELS, encoder="tu-test_resnet", decoder_channels=16).eval()
    first = next(module for module in built.modules() if isinstance(module, nn.Conv2d))
    assert first.in_channels == 3 + 2
    with torch.no_grad():
        first.weight[:, 3:] = torch.randn_like(first.weight[:, 3:])
    return built


def photographs(count: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(1).integers(0, 256, (count, 3, 64, 96), dtype=np.uint8))


def maps(*clicks: tuple[int, int, int]) -> Tensor:
    made = localization_maps([Click(x, y, label) for x, y, label in clicks], 64, 96, LABELS)
    return torch.from_numpy(made)[None]


def slow_protocol(network: InteractiveDeepLab, image: Tensor, click_maps: Tensor) -> Tensor:
    """One photograph, label by label: own clicks against the minimum over all others' maps."""
    logits = torch.full((LABELS, 16, 24), -1e4)
    logits[0] = 0
    for label in range(1, LABELS):
        if (click_maps[label] == 0).any():
            others = torch.stack([click_maps[other] for other in range(LABELS) if other != label]).amin(0)
            logits[label] = network.foreground(image[None], torch.stack([click_maps[label], others])[None])[0, 0]
    return logits


def test_a_batch_equals_label_by_label(network: InteractiveDeepLab) -> None:
    image = photographs(3)
    clicked = torch.cat(
        [
            maps((10, 10, 1), (14, 12, 2), (80, 50, 5), (40, 30, 0)),
            maps((3, 3, 4)),
            maps((50, 60, 0), (52, 60, 3), (20, 20, 3)),
        ]
    )
    with torch.inference_mode():
        found = network(image, clicked)
        wanted = torch.stack([slow_protocol(network, *one) for one in zip(image, clicked, strict=True)])
    assert found.shape == (3, LABELS, 16, 24)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)
    assert found[0, 1].std() > 0


def test_labels_are_interchangeable(network: InteractiveDeepLab) -> None:
    image = photographs(1)
    clicked = maps((10, 10, 1), (30, 12, 2), (80, 50, 5), (40, 30, 0), (70, 5, 2))
    order = [0, 4, 5, 3, 2, 1]
    with torch.inference_mode():
        torch.testing.assert_close(network(image, clicked[:, order]), network(image, clicked)[:, order])


def test_parts_without_a_click_never_appear(network: InteractiveDeepLab) -> None:
    image = photographs(2)
    clicked = torch.cat([maps((10, 10, 2), (40, 40, 4), (90, 60, 0)), maps((5, 60, 0))])
    with torch.inference_mode():
        best = network(image, clicked).argmax(1)
        none = network(image, torch.full_like(clicked, 255)).argmax(1)
    assert set(best[0].unique().tolist()) <= {0, 2, 4}
    assert (best[1] == 0).all()
    assert (none == 0).all()


def test_only_clicked_parts_are_run(network: InteractiveDeepLab) -> None:
    seen: list[int] = []
    handle = network.network.encoder.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    with torch.inference_mode():
        network(photographs(1), maps((10, 10, 2), (40, 40, 4), (90, 60, 0)))
    handle.remove()
    assert seen == [2]


def test_the_background_is_what_no_part_claims(network: InteractiveDeepLab) -> None:
    image, clicked = photographs(1), maps((10, 10, 2), (40, 40, 4), (90, 60, 0))
    with torch.inference_mode():
        logits = network(image, clicked)[0]
        best = logits.argmax(0)
    probability = logits[[2, 4]].sigmoid().amax(0)
    torch.testing.assert_close(best == 0, probability <= 0.5)


class Small(nn.Module):
    """Stands in for DeepLab, whose export takes long and is tested elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(5, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 1, 3, 2, 1))

    def normalise(self, image: Tensor) -> Tensor:
        """The photograph around 0."""
        return image.float() / 127.5 - 1

    def forward(self, photograph: Tensor, extra: Tensor) -> Decoded:
        """Logits at stride 4."""
        logits = self.layers(torch.cat([photograph, extra], 1))
        return Decoded(logits, logits)


def test_onnx_runtime_runs_as_many_parts_as_are_clicked(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = InteractiveDeepLab(LABELS, encoder="tu-test_resnet", decoder_channels=16)
    network.network = Small()  # type: ignore[assignment]
    network.eval()
    export_onnx(network, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    image = photographs(1)
    for clicked in (
        maps(),
        maps((9, 9, 0)),
        maps((10, 10, 3)),
        maps((10, 10, 1), (12, 10, 2), (40, 40, 4), (90, 60, 0)),
        maps(*((5 * label, 9, label) for label in range(LABELS))),
    ):
        (found,) = session.run(["logits"], {"image": image.numpy(), "click_maps": clicked.numpy()})
        with torch.inference_mode():
            np.testing.assert_allclose(found, network(image, clicked).numpy(), atol=1e-2)
