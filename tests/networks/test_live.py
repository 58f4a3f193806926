"""The live network: what may and may not change its answer, and its parts beside slow references."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ihp_backend.clicks import Click, localization_maps
from ihp_backend.labels import ABSENT_LOGIT
from ihp_backend.networks.live import Clicked, DecoderInputs, LiveNetwork, clicked_in, upsampled
from ihp_backend.networks.live.colours import BRIGHTNESS, COLOURS, colours
from ihp_backend.networks.live.kernels import FAINT, ClickKernels, Kernel, look_at

KNOWN, LABELS, HEIGHT, WIDTH = 6, 4, 64, 96


@pytest.fixture(scope="module", params=[False, True], ids=["no colour", "colour"])
def network(request: pytest.FixtureRequest) -> LiveNetwork:
    torch.manual_seed(0)
    net = LiveNetwork(KNOWN, width=24, embedding=8, widths=(8, 8, 8), colour=request.param).eval()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # As after some training, so that nothing is multiplied by 1.
            module.running_mean.uniform_(-0.2, 0.2)  # type: ignore[union-attr]
            module.running_var.uniform_(0.5, 1.5)  # type: ignore[union-attr]
    return net


@pytest.fixture(scope="module")
def image() -> torch.Tensor:
    return torch.randint(0, 256, (2, 3, HEIGHT, WIDTH), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def some_evidence(clicks: int = 5, seed: int = 0) -> DecoderInputs:
    generator = torch.Generator().manual_seed(seed)
    places = torch.stack([torch.randint(side, (2, clicks), generator=generator) for side in (HEIGHT, WIDTH)], 2)
    labels = torch.randint(LABELS, (2, clicks), generator=generator)
    own = torch.nn.functional.one_hot(labels, LABELS).float()
    negative = torch.rand(2, clicks, 1, generator=generator) < 0.3
    known = torch.eye(KNOWN)[1 : LABELS + 1].expand(2, -1, -1).clone()
    known[:, 2] = 0  # A label of the annotation team's own.
    previous = torch.rand(2, LABELS, HEIGHT // 4, WIDTH // 4, generator=generator).softmax(1)
    return DecoderInputs(
        Clicked(places, own * ~negative, own * negative), known, previous, torch.ones(2, LABELS, dtype=torch.bool)
    )


@torch.inference_mode()
def answer(network: LiveNetwork, image: torch.Tensor, inputs: DecoderInputs) -> torch.Tensor:
    return network.decode(network.encode(image), inputs)


def test_every_label_has_a_logit_in_every_cell(network: LiveNetwork, image: torch.Tensor) -> None:
    features = network.encode(image)
    logits = network.decode(features, some_evidence())
    assert logits.shape == (2, LABELS, HEIGHT // 4, WIDTH // 4)
    assert upsampled(logits, features.mixture).shape == (2, LABELS, HEIGHT, WIDTH)
    torch.testing.assert_close(features.fine.embedding.norm(dim=1), torch.ones(2, HEIGHT // 4, WIDTH // 4))


def test_reordered_labels_get_reordered_logits(network: LiveNetwork, image: torch.Tensor) -> None:
    inputs, order = some_evidence(), torch.tensor([2, 0, 3, 1])
    (places, own, against), known, previous, present = inputs
    reordered = DecoderInputs(
        Clicked(places, own[..., order], against[..., order]), known[:, order], previous[:, order], present[:, order]
    )
    torch.testing.assert_close(answer(network, image, reordered), answer(network, image, inputs)[:, order])


def test_the_order_of_clicks_does_not_matter(network: LiveNetwork, image: torch.Tensor) -> None:
    inputs = some_evidence()
    turned = inputs._replace(clicked=Clicked(*(values.flip(1) for values in inputs.clicked)))
    torch.testing.assert_close(answer(network, image, turned), answer(network, image, inputs))


def test_a_photograph_does_not_see_the_others_of_its_batch(network: LiveNetwork, image: torch.Tensor) -> None:
    inputs = some_evidence()
    alone = DecoderInputs(Clicked(*(values[:1] for values in inputs.clicked)), *(part[:1] for part in inputs[1:]))
    torch.testing.assert_close(answer(network, image[:1], alone), answer(network, image, inputs)[:1])


def test_rows_and_labels_that_only_fill_up_change_nothing(network: LiveNetwork, image: torch.Tensor) -> None:
    inputs = some_evidence()
    (places, own, against), known, previous, present = inputs
    more = [torch.nn.functional.pad(signs, (0, 2, 0, 3)) for signs in (own, against)]
    filled = DecoderInputs(
        Clicked(torch.nn.functional.pad(places, (0, 0, 0, 3)), *more),
        torch.nn.functional.pad(known, (0, 0, 0, 2)),
        torch.nn.functional.pad(previous, (0, 0, 0, 0, 0, 2)),
        torch.nn.functional.pad(present, (0, 2)),
    )
    logits = answer(network, image, filled)
    torch.testing.assert_close(logits[:, :LABELS], answer(network, image, inputs))
    assert (logits[:, LABELS:] == ABSENT_LOGIT).all()


@pytest.mark.parametrize("what", ["click", "negative click", "known", "previous"])
def test_each_kind_of_evidence_counts(network: LiveNetwork, image: torch.Tensor, what: str) -> None:
    inputs = some_evidence()
    (places, own, against), known, previous, _ = inputs
    changed = {
        "click": inputs._replace(clicked=Clicked(places, own * 0, against)),
        "negative click": inputs._replace(clicked=Clicked(places, own, against * 0)),
        "known": inputs._replace(known=known * 0),
        "previous": inputs._replace(previous=previous * 0),
    }[what]
    assert not torch.allclose(answer(network, image, changed), answer(network, image, inputs), atol=1e-4)


def test_forward_is_decoding_with_all_labels_known(network: LiveNetwork, image: torch.Tensor) -> None:
    clicks = [Click(10, 20, 1), Click(30, 50, 4), Click(31, 50, 4)]
    maps = torch.from_numpy(np.stack([localization_maps(clicks, HEIGHT, WIDTH, KNOWN)] * 2))
    with torch.inference_mode():
        features = network.encode(image)
        known = torch.eye(KNOWN).expand(2, -1, -1)
        everything = torch.ones(2, KNOWN, dtype=torch.bool)
        inputs = DecoderInputs(clicked_in(maps), known, torch.zeros_like(features.fine.prior), everything)
        wanted = upsampled(network.decode(features, inputs), features.mixture)
        torch.testing.assert_close(network(image, maps), wanted)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_clicks_come_back_from_their_maps(seed: int) -> None:
    rng = np.random.default_rng(seed)
    wanted, maps = [], []
    for _ in range(3):
        places = {tuple(rng.integers(0, 12, 2).tolist()) for _ in range(rng.integers(0, 6))}
        clicks = [Click(x, y, int(rng.integers(3))) for x, y in places]
        wanted.append([(click.y, click.x, click.label) for click in clicks])
        maps.append(localization_maps(clicks, 12, 12, 3))
    clicked = clicked_in(torch.from_numpy(np.stack(maps)))
    assert not clicked.against.any()
    for number, expected in enumerate(wanted):
        rows = zip(clicked.places[number].tolist(), clicked.own[number].tolist(), strict=True)
        found = [(y, x, label) for (y, x), own in rows for label in range(3) if own[label]]
        assert sorted(found) == sorted(expected)


def test_kernels_equal_a_loop_over_cells_and_clicks() -> None:
    torch.manual_seed(0)
    kernels = ClickKernels((Kernel(0.0, 3.0), Kernel(8.0, 20.0), Kernel(1.0, 20.0, colour=5.0)), 4)
    embedding, colours = torch.nn.functional.normalize(torch.randn(1, 5, 4, 3), dim=1), torch.rand(1, 3, 4, 3)
    look = torch.cat([embedding, colours], 1)
    places = torch.tensor([[[3, 8], [15, 0], [9, 9]]])
    own = torch.tensor([[[1.0, 0], [0, 1], [0, 0]]])
    against = torch.tensor([[[0.0, 0], [0, 0], [1, 0]]])
    with torch.inference_mode():
        planes = kernels(look, look_at(look, places, 4), Clicked(places, own, against))[0].numpy()
        sharpness, reach = kernels.sharpness.numpy(), kernels.log_reach.exp().numpy()
    assert planes.shape == (2, kernels.planes, 4, 3) == (2, 9, 4, 3)
    unit, colour = embedding[0].numpy(), colours[0].numpy()
    for row in range(4):
        for column in range(3):
            for kernel in range(len(sharpness)):
                near = []
                for y, x in places[0].tolist():
                    cosine = unit[:, row, column] @ unit[:, y // 4, x // 4]
                    squared = (row - ((y + 0.5) / 4 - 0.5)) ** 2 + (column - ((x + 0.5) / 4 - 0.5)) ** 2
                    exponent = sharpness[kernel] * (cosine - 1) - squared / (2 * reach[kernel] ** 2)
                    if kernel == 2:
                        exponent -= 0.5 * 5 * ((colour[:, row, column] - colour[:, y // 4, x // 4]) ** 2).sum()
                    near.append(math.exp(exponent))
                for label, strength in enumerate(near[:2]):
                    opposed = near[2] if label == 0 else 0.0
                    wanted = [
                        (strength + FAINT**2) ** 0.25 - FAINT**0.5,
                        strength / (near[0] + near[1] + FAINT),
                        (opposed + FAINT**2) ** 0.25 - FAINT**0.5,
                    ]
                    found = planes[label, 3 * kernel : 3 * kernel + 3, row, column]
                    np.testing.assert_allclose(found, wanted, atol=2e-4)


def test_colours_are_means_over_cells() -> None:
    photograph = torch.rand(1, 3, 8, 12, generator=torch.Generator().manual_seed(0))
    found = colours(photograph)[0].numpy()
    assert found.shape == (COLOURS, 2, 3)
    for row in range(2):
        for column in range(3):
            red, green, blue = (
                photograph[0, :, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4].mean((1, 2)).tolist()
            )
            wanted = [BRIGHTNESS * (red + green + blue), red - green, (red + green) / 2 - blue]
            np.testing.assert_allclose(found[:, row, column], wanted, atol=1e-6)


def test_upsampling_equals_a_loop_over_pixels_and_neighbours() -> None:
    generator = torch.Generator().manual_seed(0)
    logits, mixture = torch.randn(1, 2, 3, 2, generator=generator), torch.randn(1, 144, 3, 2, generator=generator)
    found = upsampled(logits, mixture)[0].numpy()
    cells, shares = logits[0].numpy(), mixture[0].unflatten(0, (4, 4, 9)).softmax(2).numpy()
    for y in range(12):
        for x in range(8):
            row, column = y // 4, x // 4
            wanted = np.zeros(2)
            for neighbour in range(9):
                beside = min(max(row + neighbour // 3 - 1, 0), 2), min(max(column + neighbour % 3 - 1, 0), 1)
                wanted += cells[:, beside[0], beside[1]] * shares[y % 4, x % 4, neighbour, row, column]
            np.testing.assert_allclose(found[:, y, x], wanted, atol=1e-5)


@pytest.mark.parametrize(("step", "phase"), [(2, (0, 1)), (2, (1, 1)), (4, (3, 2))])
def test_every_nth_pixel_can_be_had_alone(step: int, phase: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    logits, mixture = torch.randn(2, 3, 5, 4, generator=generator), torch.randn(2, 144, 5, 4, generator=generator)
    all_pixels = upsampled(logits, mixture)
    torch.testing.assert_close(
        upsampled(logits, mixture, step, phase), all_pixels[..., phase[0] :: step, phase[1] :: step]
    )


def test_without_similarity_only_the_picture_counts(image: torch.Tensor) -> None:
    torch.manual_seed(0)
    network = LiveNetwork(KNOWN, width=24, embedding=8, widths=(8, 8, 8), similarity=False).eval()
    inputs = some_evidence()
    with torch.inference_mode():
        features = network.encode(image)
        turned = features._replace(
            fine=features.fine._replace(embedding=features.fine.embedding.roll(1, 3)),
            coarse=features.coarse._replace(embedding=features.coarse.embedding.roll(1, 3)),
        )
        torch.testing.assert_close(network.decode(turned, inputs), network.decode(features, inputs))
    assert not any(
        kernels.sharpness.requires_grad for kernels in network.modules() if isinstance(kernels, ClickKernels)
    )


def test_weights_from_before_colours_answer_as_they_did(image: torch.Tensor) -> None:
    torch.manual_seed(0)
    before, after = (
        LiveNetwork(KNOWN, width=24, embedding=8, widths=(8, 8, 8), colour=colour).eval() for colour in (False, True)
    )
    given = before.state_dict()
    after.load_state_dict(given)
    inputs = some_evidence()
    torch.testing.assert_close(answer(after, image, inputs), answer(before, image, inputs))
    assert all(
        torch.equal(value, given[name]) for name, value in before.state_dict().items()
    )  # Nothing was written to.
    after.decoder.enter_eight.weight.data.add_(0.1)  # ... and can listen to what was added.
    again = LiveNetwork(KNOWN, width=24, embedding=8, widths=(8, 8, 8), colour=True).eval()
    again.load_state_dict(after.state_dict())
    torch.testing.assert_close(answer(again, image, inputs), answer(after, image, inputs))
    with pytest.raises(RuntimeError, match="Unexpected key"):
        before.load_state_dict(after.state_dict())


def test_weights_from_before_the_priors_context_answer_as_they_did(image: torch.Tensor) -> None:
    torch.manual_seed(0)
    before, after = (
        LiveNetwork(KNOWN, width=24, embedding=8, widths=(8, 8, 8), prior_context=context).eval()
        for context in (False, True)
    )
    after.load_state_dict(before.state_dict())
    torch.testing.assert_close(after.encode(image).fine.prior, before.encode(image).fine.prior)
    after.network.classify.weight.data[:, 24:].normal_()  # It can listen to the context,
    again = LiveNetwork(KNOWN, width=24, embedding=8, widths=(8, 8, 8), prior_context=True).eval()
    again.load_state_dict(after.state_dict())  # which is kept with it.
    torch.testing.assert_close(again.encode(image).fine.prior, after.encode(image).fine.prior)
    assert not torch.equal(after.encode(image).fine.prior, before.encode(image).fine.prior)


def test_the_prior_sees_far_with_its_context() -> None:
    """A cell's prior hears of a change 200 pixels away, beyond what the rest of the features see of it."""
    torch.manual_seed(0)
    network = LiveNetwork(KNOWN, width=24, embedding=8, widths=(8, 8, 8), prior_context=True).eval()
    context = network.network.prior_context
    assert context is not None
    joined = tuple(torch.zeros(1, 24, 512 // stride, 64 // stride) for stride in (4, 8, 16))
    changed = (*joined[:2], joined[2].clone())
    changed[2][:, :, 20, 2] = 5.0
    with torch.no_grad():
        differs = (context(joined) != context(changed)).any(1)[0]
    assert differs[(20 - 12) * 4, 8]
    assert differs.all()  # By the mean of the surroundings, everywhere.


def test_stride_8_sees_nothing_finer(image: torch.Tensor) -> None:
    torch.manual_seed(0)
    network = LiveNetwork(KNOWN, width=24, embedding=8, widths=(8, 8, 8), finest=8).eval()
    inputs = some_evidence()
    with torch.inference_mode():
        features = network.encode(image)
        logits = network.decode(features, inputs)
        four, eight, sixteen = features.context
        elsewhere = network.decode(features._replace(context=(torch.zeros_like(four), eight, sixteen)), inputs)
    assert logits.shape == (2, LABELS, HEIGHT // 4, WIDTH // 4)
    torch.testing.assert_close(logits, elsewhere)
    torch.testing.assert_close(logits[..., ::2, ::2], logits[..., 1::2, 1::2])
