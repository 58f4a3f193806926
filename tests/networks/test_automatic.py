"""Automatic parsers: known sizes, what they answer, and that what is exported answers as torch does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import adaptive_avg_pool2d
from torchvision.models.segmentation import deeplabv3_resnet101

from ihp_backend.exporting.model_folder import TOLERANCE, write_and_compare
from ihp_backend.labels import LIP
from ihp_backend.networks import (
    AttentionToScale,
    AutomaticParser,
    ContextEdgeParser,
    DeepLabV2,
    DeepLabV3,
    ObjectContextParser,
    PlainDeepLab,
    RegionRefiner,
    build_network,
)
from ihp_backend.networks.automatic.automatic_parser import StagedParser
from ihp_backend.networks.automatic.context_embedding import pooled
from ihp_backend.networks.weights import encoder_of

TINY = "tu-test_resnet"
HEAD_AND_BODY = {"head": [1, 2], "body": [3]}

STAGED: dict[str, Callable[[], StagedParser]] = {
    "CE2P": lambda: ContextEdgeParser(4, TINY, width=8),
    "DeepLab V2": lambda: DeepLabV2(4, TINY, dilations=(1, 2)),
    "DeepLab V3": lambda: DeepLabV3(4, TINY, decoder_channels=8, dilations=(1, 2, 3)),
    "DeepLab V3+": lambda: PlainDeepLab(4, TINY, decoder_channels=16),
    "OCR": lambda: ObjectContextParser(4, TINY, width=16),
}
PARSERS: dict[str, Callable[[], AutomaticParser]] = {
    **STAGED,
    "Attention": lambda: AttentionToScale(4, TINY, width=8),
    "late": lambda: RegionRefiner(ContextEdgeParser(4, TINY, width=8), HEAD_AND_BODY, width=8),
    "mid": lambda: RegionRefiner(DeepLabV3(4, TINY, decoder_channels=8), HEAD_AND_BODY, "mid", width=8),
}
every_parser = pytest.mark.parametrize("make", PARSERS.values(), ids=PARSERS.keys())


def millions_in_convolutions(network: nn.Module) -> float:
    """Weights and biases of convolutions, in millions: RPR leaves batch norm out."""
    found = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    return sum(parameter.numel() for module in found for parameter in module.parameters()) / 1e6


@pytest.mark.slow
def test_parsers_have_the_sizes_that_the_papers_give() -> None:
    regions = {name: sorted(ids) for name, ids in LIP.regions.items()}
    ce2p = ContextEdgeParser(20)
    assert millions_in_convolutions(ce2p) == pytest.approx(66.609, abs=0.001)
    assert millions_in_convolutions(RegionRefiner(ce2p, regions)) == pytest.approx(113.326, abs=0.005)
    ocr = ObjectContextParser(19)
    # The published code's own count, batch norm included.
    assert sum(parameter.numel() for parameter in ocr.parameters()) / 1e6 == pytest.approx(70.37, abs=0.01)
    theirs = deeplabv3_resnet101(weights=None, weights_backbone=None, num_classes=20)
    assert millions_in_convolutions(DeepLabV3(20)) == pytest.approx(millions_in_convolutions(theirs), abs=0.001)


@every_parser
def test_answers_every_photograph_whatever_the_clicks(make: Callable[[], AutomaticParser]) -> None:
    torch.manual_seed(0)
    parser = make().eval()
    side = 2 * parser.multiple_of
    image = torch.randint(0, 256, (2, 3, side, side), dtype=torch.uint8)
    with torch.inference_mode():
        outputs = parser.outputs(image)
        decoded = parser.decode(parser.encode(image), torch.zeros(2, 4, side, side, dtype=torch.uint8))
    torch.testing.assert_close(decoded.logits, outputs.logits)
    for logits in (outputs.logits, *outputs.auxiliary):
        assert logits.shape[:2] == (2, 4)
        assert logits.shape[2] == logits.shape[3]
    assert decoded.embedding.shape[2:] == decoded.logits.shape[2:]
    assert {name: logits.shape[1] for name, logits in outputs.regions.items()} == {
        name: 1 + len(ids) for name, ids in parser.regions.items()
    }


@every_parser
def test_all_weights_learn_from_something_and_the_encoder_is_found(make: Callable[[], AutomaticParser]) -> None:
    parser = make()
    side = 2 * parser.multiple_of
    outputs = parser.outputs(torch.randint(0, 256, (2, 3, side, side), dtype=torch.uint8))
    answers = [outputs.logits, *outputs.auxiliary, *outputs.regions.values()]
    answers += [outputs.edges] if outputs.edges is not None else []
    torch.stack([answer.square().mean() for answer in answers]).sum().backward()
    encoder = encoder_of(parser)
    assert encoder is not None
    used = {name for name, parameter in parser.named_parameters() if parameter.grad is not None}
    without = {name for name, _ in parser.named_parameters()} - used
    # Of what segmentation-models-pytorch's encoders have, the last layers may serve nothing here.
    assert {name for name in without if ".encoder." not in f".{name}"} == set()


@pytest.mark.parametrize("name", ["late", *(pytest.param(name, marks=pytest.mark.slow) for name in ("OCR", "mid"))])
def test_the_exported_parser_answers_as_torch_does(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    assert write_and_compare(PARSERS[name]().eval(), tmp_path) < TOLERANCE


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 2, 3, 6]))
def test_pools_any_map_as_torch_does(height: int, width: int, cells: int) -> None:
    values = torch.arange(2 * height * width, dtype=torch.float32).reshape(1, 2, height, width).sin()
    torch.testing.assert_close(pooled(values, cells), adaptive_avg_pool2d(values, cells))


def test_late_fusion_adds_a_regions_logits_to_its_labels_alone() -> None:
    torch.manual_seed(0)
    baseline = DeepLabV3(5, TINY, output_stride=8, decoder_channels=8)
    refiner = RegionRefiner(baseline, {"upper": [4, 2], "lower": [3]}, width=8, partition=False).eval()
    image = torch.randint(0, 256, (1, 3, 32, 48), dtype=torch.uint8)
    with torch.inference_mode():
        outputs = refiner.outputs(image)
        whole = nn.functional.interpolate(baseline.outputs(image).logits, scale_factor=2, mode="bilinear")
    added = outputs.logits - whole
    upper, lower = outputs.regions["upper"], outputs.regions["lower"]
    nothing = torch.zeros_like(upper[:, 0])
    expected = torch.stack([nothing, nothing, upper[:, 2], lower[:, 1], upper[:, 1]], 1)
    torch.testing.assert_close(added, expected, atol=1e-5, rtol=1e-5)


def test_a_refiner_is_made_again_from_its_description() -> None:
    inner = {"class": "ContextEdgeParser", "arguments": {"num_labels": 4, "encoder": TINY, "width": 8}}
    built = build_network({"class": "RegionRefiner", "arguments": {"network": inner, "regions": HEAD_AND_BODY}})
    assert isinstance(built, RegionRefiner)
    assert isinstance(built.network, ContextEdgeParser)
    assert built.num_labels == 4


@pytest.mark.parametrize(
    ("regions", "said"),
    [
        ({}, "regions: none given"),
        ({"head": []}, "head has no labels"),
        ({"edges": [1], "body": [2, 3]}, "'edges' cannot be a name; give one without dots and other than auxiliary"),
        ({"he.ad": [1], "body": [2, 3]}, "'he.ad' cannot be a name"),
        ({"head": [0, 1], "body": [2, 3]}, "head has the id 0; ids of parts go from 1 to 3"),
        ({"head": [1], "body": [2, 3, 4]}, "body has the id 4"),
        ({"head": [1, 1], "body": [2, 3]}, "head names a label twice"),
        ({"head": [1, 2], "body": [2, 3]}, r"the labels \[2\] are in several; .* partition: false"),
        ({"head": [1], "body": [3]}, r"the labels \[2\] are in none; .* partition: false"),
    ],
)
def test_regions_that_make_no_sense_are_refused(regions: dict[str, list[int]], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        RegionRefiner(ContextEdgeParser(4, TINY, width=8), regions)
