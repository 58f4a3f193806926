"""The paper's click network: widening, shapes, what clicks may and may not change."""

from __future__ import annotations

import pytest
import segmentation_models_pytorch as smp
import torch
from torch import nn

from ihp_backend.networks import DeepLabClickNetwork, build_network
from ihp_backend.networks.click_network import no_clicks
from ihp_backend.networks.deeplab import widen_first_convolution


def network(encoder: str = "mobilenet_v2", num_labels: int = 5) -> DeepLabClickNetwork:
    torch.manual_seed(0)
    return DeepLabClickNetwork(num_labels, encoder, decoder_channels=32).eval()


@pytest.mark.parametrize("encoder", ["mobilenet_v2", "resnet18", "tu-mobilenetv3_small_100"])
def test_any_encoder_sees_clicks_besides_the_photograph(encoder: str) -> None:
    net = network(encoder)
    image = torch.randint(0, 256, (2, 3, 64, 96), dtype=torch.uint8)
    with torch.inference_mode():
        decoded = net.decode(net.encode(image), no_clicks(image, 5))
    assert decoded.logits.shape == (2, 5, 16, 24)
    assert decoded.embedding.shape == (2, 32, 16, 24)


def test_the_first_convolution_has_the_papers_channels() -> None:
    first = next(module for module in network(num_labels=20).modules() if isinstance(module, nn.Conv2d))
    assert first.in_channels == first.weight.shape[1] == 3 + 20


def test_widening_keeps_the_rgb_filters_and_starts_the_clicks_at_zero() -> None:
    encoder = smp.encoders.get_encoder("resnet18", weights=None).eval()
    image = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        before = encoder(image)[-1]
        widen_first_convolution(encoder, 6)
        after = encoder(torch.cat([image, torch.randn(1, 6, 64, 64)], 1))[-1]
    torch.testing.assert_close(after, before)


def test_widening_refuses_an_encoder_without_rgb() -> None:
    with pytest.raises(ValueError, match="no convolution over 3 input channels"):
        widen_first_convolution(nn.Sequential(nn.Conv2d(1, 4, 3)), 2)


def test_a_trained_click_channel_changes_the_answer_and_gets_gradients() -> None:
    net = network()
    first = next(module for module in net.modules() if isinstance(module, nn.Conv2d))
    image = torch.randint(0, 256, (1, 3, 64, 64), dtype=torch.uint8)
    clicked = no_clicks(image, 5)
    clicked[0, 2, 30, 30] = 0
    net(image, clicked).sum().backward()
    assert first.weight.grad is not None
    assert first.weight.grad[:, 3 + 2].abs().sum() > 0
    assert first.weight.grad[:, 3 + 3].abs().sum() == 0
    with torch.no_grad():
        first.weight[:, 3:] += 0.5
        assert not torch.equal(net(image, clicked), net(image, no_clicks(image, 5)))


def test_the_embedding_carries_gradients_for_the_semantic_perceiving_loss() -> None:
    net = network()
    image = torch.randint(0, 256, (1, 3, 64, 64), dtype=torch.uint8)
    net.decode(net.encode(image), no_clicks(image, 5)).embedding.square().mean().backward()
    assert all(p.grad is not None for p in net.network.encoder.features[0].parameters())


def test_builds_from_a_description_and_names_what_it_knows() -> None:
    built = build_network({"class": "DeepLabClickNetwork", "arguments": {"num_labels": 3, "decoder_channels": 16}})
    assert built.num_labels == 3
    with pytest.raises(ValueError, match="'Nothing' is unknown; known are LiveNetwork, DeepLabClickNetwork"):
        build_network({"class": "Nothing", "arguments": {}})


def test_weights_that_cannot_be_fetched_have_a_way_around(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*_: object, **__: object) -> None:
        raise FileNotFoundError("no such host")

    monkeypatch.setattr(smp.DeepLabV3Plus, "__init__", no_network)
    with pytest.raises(ValueError, match=r"'imagenet' of resnet101 cannot be fetched .* --model.encoder_weights FILE"):
        DeepLabClickNetwork(7, encoder="resnet101", encoder_weights="imagenet")
