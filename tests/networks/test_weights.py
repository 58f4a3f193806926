"""Weights from files: of a pretrained encoder, of a whole network."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torchvision
from safetensors.torch import load_file, save_file
from torch import nn

from ihp_backend.networks import DeepLabClickNetwork, DeepLabV2
from ihp_backend.networks.weights import load_encoder_weights, load_network_weights


def first_filters(network: nn.Module) -> torch.Tensor:
    return next(module for module in network.modules() if isinstance(module, nn.Conv2d)).weight


def test_takes_torchvisions_file(tmp_path: Path) -> None:
    torch.manual_seed(1)
    pretrained = torchvision.models.mobilenet_v2(weights=None)
    torch.save(pretrained.state_dict(), tmp_path / "weights.pth")
    network = DeepLabClickNetwork(4, decoder_channels=16)
    load_encoder_weights(network, tmp_path / "weights.pth")
    torch.testing.assert_close(first_filters(network)[:, :3], first_filters(pretrained))
    assert (first_filters(network)[:, 3:] == 0).all()
    theirs, ours = pretrained.features[17].conv[0][0].weight, network.network.encoder.features[17].conv[0][0].weight
    torch.testing.assert_close(ours, theirs)


def test_says_what_is_missing(tmp_path: Path) -> None:
    network = DeepLabClickNetwork(4, decoder_channels=16)
    with pytest.raises(FileNotFoundError, match=r"encoder_weights: .*absent\.pth does not exist"):
        load_encoder_weights(network, tmp_path / "absent.pth")
    torch.save({"features.0.0.weight": torch.zeros(32, 3, 3, 3)}, tmp_path / "part.pth")
    with pytest.raises(ValueError, match="lacks 259 tensors of this encoder"):
        load_encoder_weights(network, tmp_path / "part.pth")


def test_takes_the_encoder_of_a_model_folder(tmp_path: Path) -> None:
    torch.manual_seed(1)
    trained, network = DeepLabClickNetwork(4, decoder_channels=16), DeepLabV2(3, "mobilenet_v2")
    save_file(trained.state_dict(), tmp_path / "clicks.safetensors")
    with pytest.raises(
        ValueError, match=r"features\.0\.0\.weight is \(32, 7, 3, 3\), the encoder needs \(32, 3, 3, 3\)"
    ):
        load_encoder_weights(network, tmp_path / "clicks.safetensors")  # Its encoder sees clicks, too.
    save_file(DeepLabV2(5, "mobilenet_v2").state_dict(), tmp_path / "model.safetensors")
    load_encoder_weights(network, tmp_path / "model.safetensors")
    given = load_file(tmp_path / "model.safetensors")
    for name, tensor in network.encoder.state_dict().items():
        torch.testing.assert_close(tensor, given[f"encoder.{name}"])


def test_a_model_folders_file_may_be_absent_damaged_or_without_an_encoder(tmp_path: Path) -> None:
    network, file = DeepLabV2(3, "mobilenet_v2"), tmp_path / "model.safetensors"
    with pytest.raises(FileNotFoundError, match=r"encoder_weights: .*model\.safetensors does not exist"):
        load_encoder_weights(network, file)
    file.write_bytes(b"no tensors")
    with pytest.raises(ValueError, match=r"encoder_weights: .*model\.safetensors is damaged"):
        load_encoder_weights(network, file)
    save_file(nn.Conv2d(3, 4, 1).state_dict(), file)
    with pytest.raises(ValueError, match="lacks 260 tensors of this encoder"):
        load_encoder_weights(network, file)


def test_refuses_another_shape(tmp_path: Path) -> None:
    weights = torchvision.models.mobilenet_v2(weights=None).state_dict()
    weights["features.1.conv.1.weight"] = torch.zeros(7, 7, 1, 1)
    torch.save(weights, tmp_path / "odd.pth")
    with pytest.raises(ValueError, match=r"features\.1\.conv\.1\.weight is \(7, 7, 1, 1\), the encoder needs"):
        load_encoder_weights(DeepLabClickNetwork(4, decoder_channels=16), tmp_path / "odd.pth")


def test_a_whole_network_goes_on_from_a_file(tmp_path: Path) -> None:
    trained, network = (nn.Conv2d(3, channels, 1) for channels in (4, 4))
    save_file(trained.state_dict(), tmp_path / "model.safetensors")
    load_network_weights(network, tmp_path / "model.safetensors")
    torch.testing.assert_close(network.weight, trained.weight)


def test_another_networks_weights_are_refused(tmp_path: Path) -> None:
    network = nn.Conv2d(3, 5, 1)
    with pytest.raises(FileNotFoundError, match=r"start: .*absent\.safetensors does not exist"):
        load_network_weights(network, tmp_path / "absent.safetensors")
    save_file(nn.Conv2d(3, 4, 1).state_dict(), tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match=r"start: .*other\.safetensors does not fit this network"):
        load_network_weights(network, tmp_path / "other.safetensors")
    (tmp_path / "damaged.safetensors").write_bytes(b"no tensors")
    with pytest.raises(ValueError, match=r"start: .*damaged\.safetensors does not fit this network"):
        load_network_weights(network, tmp_path / "damaged.safetensors")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"is empty \(0 bytes\)"),
        (b"<html>404 Not found</html>", r"\(26 bytes\) is truncated, or torch did not write it"),
        (torch.zeros(3), "holds one Tensor, not tensors by name"),
        ({"state_dict": {"a": torch.zeros(3)}}, "lacks 260 tensors of this encoder"),
        ("nan", r"is damaged \(features\.0\.0\.weight holds nan\)"),
        ("text", r"features\.0\.0\.weight of \S+ is a str; take a file that holds tensors"),
    ],
)
def test_a_file_of_another_kind_is_refused(content: object, message: str, tmp_path: Path) -> None:
    file = tmp_path / "weights.pth"
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif isinstance(content, str):
        weights = dict(torchvision.models.mobilenet_v2(weights=None).state_dict())
        torch.save(
            {
                **weights,
                "features.0.0.weight": weights["features.0.0.weight"] * torch.nan if content == "nan" else content,
            },
            file,
        )
    else:
        torch.save(content, file)
    with pytest.raises(ValueError, match=rf"^encoder_weights: .*{message}"):
        load_encoder_weights(DeepLabClickNetwork(4, decoder_channels=16), file)


def test_a_network_to_start_from_must_be_finite(tmp_path: Path) -> None:
    trained = nn.Conv2d(3, 4, 1)
    save_file({"weight": trained.weight.detach() * torch.inf, "bias": torch.zeros(4)}, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match=r"start: .* is damaged \(weight holds -?inf\)"):
        load_network_weights(nn.Conv2d(3, 4, 1), tmp_path / "model.safetensors")
