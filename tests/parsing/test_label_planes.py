"""Planes made without torch equal those that the network was trained on."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from ihp_backend.exporting.live_network import example
from ihp_backend.networks.live.evidence import Clicked, Evidence
from ihp_backend.networks.live.features import Sight
from ihp_backend.networks.live.kernels import Kernel, embedding_at
from ihp_backend.networks.live.planes import LabelPlanes as TorchPlanes
from ihp_backend.parsing.label_planes import LabelPlanes
from ihp_backend.parsing.label_planes import embedding_at as numpy_embedding_at

KERNELS = (Kernel(0.0, 3.0), Kernel(8.0, 40.0, ("share",)), Kernel(12.0, 1e3, ("strength", "against")))


@pytest.mark.parametrize(("stride", "constants"), [(4, False), (8, True)])
@pytest.mark.parametrize("clicks", [1, 40, 100])
def test_both_make_the_same_planes(stride: int, constants: bool, clicks: int) -> None:
    torch.manual_seed(0)
    planes = TorchPlanes(KERNELS, stride, constants=constants, similarity=True)
    with torch.no_grad():  # As after some training.
        planes.kernels.sharpness.add_(torch.rand(3))
        planes.kernels.log_reach.add_(torch.rand(3) - 0.5)
    _, question = example(5, 160, 192, clicks, 7)
    embedding = torch.nn.functional.normalize(torch.randn(1, 8, 40, 48), dim=1)
    pooled = torch.nn.functional.avg_pool2d(embedding, stride // 4)
    prior = torch.rand(1, 5, 160 // stride, 192 // stride).softmax(1)
    places, own, against, known, previous = (torch.from_numpy(part)[None] for part in question)
    present = torch.ones(1, 7, dtype=torch.bool)
    with torch.inference_mode():
        wanted = planes(
            Sight(pooled, prior),
            embedding_at(embedding, places, 4),
            Evidence(Clicked(places, own, against), known, previous, present),
        )
    described = LabelPlanes.from_json(json.dumps(planes.describe()))
    at_clicks = numpy_embedding_at(embedding.numpy(), question.places, 4)
    made = described.make(pooled.numpy(), at_clicks, prior.numpy(), question)
    np.testing.assert_allclose(made, wanted[0].numpy(), atol=2e-5)
    assert len(described.order) == planes.count == made.shape[1]


def test_a_description_that_lacks_something_is_refused() -> None:
    with pytest.raises(KeyError):
        LabelPlanes.from_json('{"stride": 4}')
