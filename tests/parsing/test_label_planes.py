"""Planes made without torch equal those that the network was trained on."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from ihp_backend.exporting.onnx_networks import example
from ihp_backend.networks.live.decoder_inputs import Clicked, DecoderInputs
from ihp_backend.networks.live.features import Sight
from ihp_backend.networks.live.kernels import Kernel, look_at
from ihp_backend.networks.live.planes import LabelPlanes as TorchPlanes
from ihp_backend.parsing.click_kernels import Floats
from ihp_backend.parsing.engines.base import DecoderInputs as NumpyInputs
from ihp_backend.parsing.label_planes import LabelPlanes, LabelSums
from ihp_backend.parsing.label_planes import look_at as numpy_look_at

PLAIN = (Kernel(0.0, 3.0), Kernel(8.0, 40.0, ("share",)), Kernel(12.0, 1e3, ("strength", "against")))
COLOURED = (*PLAIN, Kernel(0.0, 4.0, colour=100.0), Kernel(2.0, 1e3, ("strength", "share"), 150.0))


@pytest.mark.parametrize(("stride", "constants"), [(4, False), (8, True)])
@pytest.mark.parametrize("clicks", [1, 40, 100])
@pytest.mark.parametrize("kernels", [PLAIN, COLOURED])
def test_both_make_the_same_planes(stride: int, constants: bool, clicks: int, kernels: tuple[Kernel, ...]) -> None:
    torch.manual_seed(0)
    planes = TorchPlanes(kernels, stride, constants=constants, similarity=True)
    with torch.no_grad():  # As after some training.
        planes.kernels.sharpness.add_(torch.rand(len(kernels)))
        planes.kernels.log_reach.add_(torch.rand(len(kernels)) - 0.5)
        if planes.kernels.log_colour is not None:
            planes.kernels.log_colour.add_(torch.rand(2) - 0.5)
    _, inputs = example(5, 160, 192, clicks, 7)
    embedding = torch.nn.functional.normalize(torch.randn(1, 8, 40, 48), dim=1)
    colours = torch.rand(1, 3, 40, 48)
    look = torch.cat([embedding, colours], 1)
    places, own, against, known, previous = (torch.from_numpy(part)[None] for part in inputs[:5])
    present = torch.ones(1, 7, dtype=torch.bool)
    with torch.inference_mode():
        parts = embedding, torch.rand(1, 5, 40, 48).softmax(1), colours
        sight = Sight(*(torch.nn.functional.avg_pool2d(part, stride // 4) for part in parts))
        tensors = DecoderInputs(Clicked(places, own, against), known, previous, present)
        wanted = planes(sight, look_at(look, places, 4), tensors)
    described = LabelPlanes.from_json(json.dumps(planes.describe()))
    clicked_look = numpy_look_at(look.numpy(), inputs.places, 4)
    made = planes_of(described, sight.look.numpy(), clicked_look, sight.prior.numpy(), inputs)
    np.testing.assert_allclose(made, wanted[0].numpy(), atol=2e-5)
    assert len(described.order) == planes.count == made.shape[1]
    if kernels is PLAIN:
        former, grey = described_before_colours(planes), sight.embedding.numpy()
        without = planes_of(former, grey, clicked_look[:, :-3], sight.prior.numpy(), inputs)
        np.testing.assert_allclose(without, made, atol=2e-5)


def planes_of(described: LabelPlanes, look: Floats, clicked_look: Floats, prior: Floats, inputs: NumpyInputs) -> Floats:
    """All planes of all labels, of clicks that come a few at a time, some of which are taken back."""
    sums, labels = LabelSums(described, look), np.arange(len(inputs.known), dtype=np.uint8)
    for count in (len(inputs.places) // 2, len(inputs.places) // 4, len(inputs.places)):
        some = np.arange(len(inputs.places))[:, None] < count
        sums.update(labels, inputs._replace(own=inputs.own * some, against=inputs.against * some), clicked_look)
    return sums.planes(np.arange(len(labels)), prior, inputs)


def described_before_colours(planes: TorchPlanes) -> LabelPlanes:
    """As models were exported that had none."""
    described = planes.describe()
    del described["colours"]
    for kernel in described["kernels"]:
        del kernel["colour"]
    return LabelPlanes.from_json(json.dumps(described))


def test_a_description_that_lacks_something_is_refused() -> None:
    with pytest.raises(KeyError):
        LabelPlanes.from_json('{"stride": 4}')


def test_clicks_beyond_the_edges_reach_in() -> None:
    """Clicks in other views bring their own look; torch and numpy agree on what is left of them in this one."""
    torch.manual_seed(0)
    planes = TorchPlanes(COLOURED, 8, constants=True, similarity=True)
    _, inputs = example(5, 160, 192, 9, 7)
    places = inputs.places + np.array([-90, 300])
    embedding, clicked = (torch.nn.functional.normalize(torch.randn(size), dim=1) for size in ((1, 8, 20, 24), (9, 8)))
    look = torch.cat([embedding, torch.rand(1, 3, 20, 24)], 1)
    clicked_look = torch.cat([clicked, torch.rand(9, 3)], 1)[None]
    where, own, against, known, previous = (torch.from_numpy(part)[None] for part in (places, *inputs[1:5]))
    prior = torch.rand(1, 5, 20, 24)
    present = torch.ones(1, 7, dtype=torch.bool)
    tensors = DecoderInputs(Clicked(where, own, against), known, previous, present)
    with torch.inference_mode():
        wanted = planes(Sight(embedding, prior, look[:, 8:]), clicked_look, tensors)
    described = LabelPlanes.from_json(json.dumps(planes.describe()))
    moved = inputs._replace(places=places)
    made = planes_of(described, look.numpy(), clicked_look[0].numpy(), prior.numpy(), moved)
    np.testing.assert_allclose(made, wanted[0].numpy(), atol=2e-5)
    assert not inputs._replace(places=places).inside().all()
