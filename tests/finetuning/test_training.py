"""Fine-tuning in miniature: it learns what is drawn, keeps what it knew, and goes on where it was killed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ihp_backend.finetuning import weight_interpolation as choosing
from ihp_backend.finetuning.feature_cache import FeatureCache
from ihp_backend.finetuning.feature_views import WorkingPhotograph, piece_of, random_box
from ihp_backend.finetuning.head_extension import extend_head, interpolated
from ihp_backend.finetuning.new_labels import fit_new_labels
from ihp_backend.finetuning.recipes import FineTuningRecipe
from ihp_backend.finetuning.training import FineTuning
from ihp_backend.finetuning.weight_interpolation import SHARES, choose_interpolation, quick_mean_iou
from ihp_backend.labels import LabelSet
from ihp_backend.learning.not_finite import NotFiniteError
from ihp_backend.networks.live import LiveNetwork
from ihp_backend.networks.weights import not_finite
from tests.pictures import picture

KNOWN, LABELS = 3, LabelSet(("background", "hat", "coat", "badge"))
RECIPE = FineTuningRecipe(steps=12, batch=2, save_every=4)


@pytest.fixture(scope="module")
def network(request: pytest.FixtureRequest) -> LiveNetwork:
    torch.manual_seed(0)
    context = getattr(request, "param", False)
    return LiveNetwork(KNOWN, width=24, embedding=8, widths=(8, 8, 8), prior_context=context).eval()


WITH_AND_WITHOUT_CONTEXT = pytest.mark.parametrize("network", [False, True], ids=["plain", "context"], indirect=True)


def photograph(seed: int, undrawn: bool = True) -> WorkingPhotograph:
    """A picture of which nobody drew the lowest rows."""
    image, parsing = picture(seed)
    if undrawn:
        parsing[80:] = 255
    return WorkingPhotograph(image, parsing)


EVERYTHING = range(len(LABELS))

PHOTOGRAPHS = [photograph(seed) for seed in range(4)]


def test_it_learns_what_is_drawn_and_a_new_label_by_name(network: LiveNetwork, tmp_path: Path) -> None:
    told: list[tuple[int, float]] = []
    cache = FeatureCache(tmp_path, network)
    tuning = FineTuning(network, LABELS, PHOTOGRAPHS, cache, replace(RECIPE, steps=60, learning_rate=1e-2))
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    assert tuning.run(tell=lambda step, loss: told.append((step, loss)) or True)  # type: ignore[func-returns-value]
    assert [step for step, _ in told] == list(range(1, 61))
    losses = [loss for _, loss in told]
    assert np.mean(losses[-10:]) < np.mean(losses[:10]) - 0.2
    unseen = [photograph(seed, undrawn=False) for seed in (10, 11)]
    old = quick_mean_iou(network, unseen, cache, EVERYTHING)
    assert quick_mean_iou(tuning.network, unseen, cache, EVERYTHING) > old + 10
    # The new label's prior began at zero weights.
    assert (tuning.network.network.classify.weight[KNOWN] != 0).any()
    # The network that serves is left alone, and so is the encoder of the one that learns.
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    learned = tuning.network.state_dict()
    frozen = [name for name in before if name.startswith(("network.encoder", "network.joins", "network.refine"))]
    assert frozen
    assert all(torch.equal(learned[name], before[name]) for name in frozen)


@pytest.mark.parametrize("network", [True], ids=["context"], indirect=True)
def test_the_context_of_the_prior_is_of_the_encoder_and_stays(network: LiveNetwork, tmp_path: Path) -> None:
    tuning = FineTuning(network, LABELS, PHOTOGRAPHS, FeatureCache(tmp_path, network), RECIPE)
    assert tuning.run()
    before, learned = network.state_dict(), tuning.network.state_dict()
    of_context = [name for name in before if name.startswith("network.prior_context")]
    assert of_context
    assert all(torch.equal(learned[name], before[name]) for name in of_context)
    known = before["network.classify.weight"]
    assert not torch.equal(learned["network.classify.weight"][: len(known)], known)


def test_interrupted_it_goes_on_to_the_same_weights(network: LiveNetwork, tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path / "cache", network)
    whole = FineTuning(network, LABELS, PHOTOGRAPHS, cache, RECIPE)
    assert whole.run()
    file = tmp_path / "checkpoint.pt"
    first = FineTuning(network, LABELS, PHOTOGRAPHS, cache, RECIPE)
    assert not first.run(file, lambda step, loss: step < 6)
    steps: list[int] = []
    second = FineTuning(network, LABELS, PHOTOGRAPHS, cache, RECIPE)
    assert second.run(file, lambda step, loss: steps.append(step) or True)  # type: ignore[func-returns-value]
    assert steps[0] == 5  # The checkpoint was made after 4.
    for name, tensor in whole.network.state_dict().items():
        torch.testing.assert_close(second.network.state_dict()[name], tensor, rtol=0, atol=0)


def test_the_whole_network_learns_where_it_is_asked_to(network: LiveNetwork, tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path / "cache", network)
    recipe = replace(RECIPE, steps=40, learning_rate=1e-2, whole=True)
    tuning = FineTuning(network, LABELS, PHOTOGRAPHS, cache, recipe)
    file = tmp_path / "checkpoint.pt"
    assert not tuning.run(file, lambda step, loss: step < 20)
    tuning = FineTuning(network, LABELS, PHOTOGRAPHS, cache, recipe)
    assert tuning.run(file)
    before, learned = network.state_dict(), tuning.network.state_dict()
    weights = [name for name, _ in network.named_parameters() if name.startswith("network.encoder")]
    # The encoder of so small a picture has stages whose weights nothing tells anything.
    changed = [name for name in weights if not torch.equal(before[name], learned[name])]
    assert len(changed) > len(weights) / 2
    statistics = [name for name in before if name.endswith(("running_mean", "running_var"))]
    assert all(torch.equal(before[name], learned[name]) for name in statistics)
    # Each state between the two is asked with its own encoder.
    unseen = [photograph(seed, undrawn=False) for seed in range(10, 16)]
    choice = choose_interpolation(network, tuning.network, unseen, cache)
    own = quick_mean_iou(tuning.network, unseen, cache.beside(tuning.network), EVERYTHING)
    assert choice.reached[1.0] == own
    assert own > choice.before + 10


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here: learning on one is not tried")
def test_it_learns_on_a_gpu(network: LiveNetwork, tmp_path: Path) -> None:
    cache, file = FeatureCache(tmp_path / "cache", network), tmp_path / "checkpoint.pt"
    recipe = replace(RECIPE, steps=40, learning_rate=1e-2, whole=True)
    replay = [photograph(seed) for seed in (20, 21)]
    tuning = FineTuning(network, LABELS, PHOTOGRAPHS, cache, recipe, replay, device="cuda")
    assert not tuning.run(file, lambda step, loss: step < 20)
    tuning = FineTuning(network, LABELS, PHOTOGRAPHS, cache, recipe, replay, device="cuda")
    assert tuning.run(file)
    assert all(parameter.device.type == "cpu" for parameter in tuning.network.parameters())
    unseen = [photograph(seed, undrawn=False) for seed in range(10, 16)]
    choice = choose_interpolation(network, tuning.network, unseen, cache)
    assert choice.reached[1.0] > choice.before + 10


def test_a_checkpoint_that_does_not_fit_is_named(network: LiveNetwork, tmp_path: Path) -> None:
    file = tmp_path / "checkpoint.pt"
    file.write_bytes(b"half of one")
    tuning = FineTuning(network, LABELS, PHOTOGRAPHS, FeatureCache(tmp_path, network), RECIPE)
    with pytest.raises(ValueError, match=r"checkpoint\.pt does not fit this training"):
        tuning.run(file)


def test_cached_features_are_those_of_the_network(network: LiveNetwork, tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path, network)
    image = PHOTOGRAPHS[0].image
    first, again = cache.of(image), cache.of(image)
    assert len(list(cache.folder.glob("*.npz"))) == 1
    with torch.no_grad():
        wanted = network.network.backbone(torch.from_numpy(image.transpose(2, 0, 1)[None].copy()))
    parts = ((*backbone.joined, backbone.mixture, backbone.colours) for backbone in (first, again, wanted))
    for one, other, true in zip(*parts, strict=True):
        assert torch.equal(one, other)
        torch.testing.assert_close(one, true, rtol=2e-3, atol=2e-3)
    (file,) = cache.folder.glob("*.npz")
    file.write_bytes(file.read_bytes()[:100])
    torch.testing.assert_close(cache.of(image).joined[0], first.joined[0])
    # Heads may change, the encoder may not.
    other_heads = extend_head(network, 1)
    assert FeatureCache(tmp_path, other_heads).folder == cache.folder
    torch.manual_seed(1)
    assert FeatureCache(tmp_path, LiveNetwork(KNOWN, width=24, embedding=8, widths=(8, 8, 8))).folder != cache.folder


def test_a_network_that_knows_more_answers_as_before(network: LiveNetwork) -> None:
    image = torch.from_numpy(PHOTOGRAPHS[0].image.transpose(2, 0, 1)[None].copy())
    more = extend_head(network, 2)
    with torch.no_grad():
        old, new = network.encode(image), more.encode(image)
    assert more.num_labels == KNOWN + 2
    torch.testing.assert_close(new.fine.prior[:, :KNOWN], old.fine.prior, rtol=0.02, atol=0.01)
    torch.testing.assert_close(new.fine.embedding, old.fine.embedding)
    assert new.fine.prior[:, KNOWN:].max() < 0.02


def test_weights_between_two_states() -> None:
    before, after = (
        {"a": torch.tensor([0.0, 2.0]), "n": torch.tensor(1)},
        {"a": torch.tensor([1.0, 4.0]), "n": torch.tensor(5)},
    )
    assert torch.equal(interpolated(before, after, 0.25)["a"], torch.tensor([0.25, 2.5]))
    assert torch.equal(interpolated(before, after, 0.0)["a"], before["a"])
    assert torch.equal(interpolated(before, after, 1.0)["a"], after["a"])


def test_what_has_learned_nonsense_is_not_chosen(network: LiveNetwork, tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path, network)
    spoiled = extend_head(network, 1)
    with torch.no_grad():
        for parameter in spoiled.decoder.parameters():
            parameter.mul_(-1)
    tuning = FineTuning(network, LABELS, PHOTOGRAPHS, cache, replace(RECIPE, steps=40, learning_rate=1e-2))
    tuning.run()
    unseen = [photograph(seed, undrawn=False) for seed in range(10, 16)]
    choice = choose_interpolation(network, tuning.network, unseen, cache)
    assert set(choice.reached) == set(SHARES)
    assert choice.share > 0
    assert choice.reached[choice.share] > choice.reached[0.0]
    assert choice.before == quick_mean_iou(network, unseen, cache, EVERYTHING)
    assert choice.changed
    assert choose_interpolation(network, tuning.network, unseen[:5], cache).share > 0  # So much is clear.
    assert choose_interpolation(network, tuning.network, unseen[:5], cache, set_apart=False).share == 0
    assert not choose_interpolation(network, network, unseen, cache).changed
    of_spoiled = choose_interpolation(network, spoiled, unseen, cache)
    assert of_spoiled.reached[of_spoiled.share] >= of_spoiled.reached[0.0]


def test_priors_found_anew_are_taken_however_far_it_goes(network: LiveNetwork, tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path, network)
    before = extend_head(network, 1)  # As a fine-tuning job of before left it.
    fit_new_labels(before, [KNOWN], PHOTOGRAPHS[:1], cache)
    tuning = FineTuning(before, LABELS, PHOTOGRAPHS, cache, RECIPE, new=[KNOWN])
    tuning.run()
    choice = choose_interpolation(before, tuning.network, PHOTOGRAPHS, cache, anew=[KNOWN])
    assert choice.share == 0
    assert choice.changed
    assert choice.before == quick_mean_iou(before, PHOTOGRAPHS, cache, EVERYTHING)
    learned, was = tuning.network.state_dict(), before.state_dict()
    for name, weights in choice.weights.items():
        if name.startswith("network.classify"):
            assert torch.equal(weights[KNOWN], learned[name][KNOWN])
            assert torch.equal(weights[:KNOWN], was[name][:KNOWN])
        else:
            assert torch.equal(weights, was[name])


def test_it_goes_no_further_than_what_is_sure(
    monkeypatch: pytest.MonkeyPatch, network: LiveNetwork, tmp_path: Path
) -> None:
    right = {share: np.full(8, 80) for share in SHARES}

    def counted(*_: object) -> NDArray[np.int64]:
        share = SHARES[len(asked_for)]
        asked_for.append(share)
        return np.stack([np.array([[one, 100 - one], [0, 100]]) for one in right[share].tolist()])

    monkeypatch.setattr(choosing, "quick_confusions", counted)

    def chosen(least: int = 8, set_apart: bool = True) -> float:
        asked_for.clear()
        cache = FeatureCache(tmp_path, network)
        return choose_interpolation(network, network, PHOTOGRAPHS * 2, cache, least=least, set_apart=set_apart).share

    asked_for: list[float] = []
    assert chosen() == 0
    right[0.75] = np.array([79, 79, 79, 79, 79, 79, 79, 95])  # Luck with one photograph.
    assert chosen() == 0
    right[0.5] = right[1.0] = np.full(8, 83)
    assert chosen() == 0.5
    # Of fewer photographs only a clear lead is believed, and none where they were learned from.
    assert chosen(least=9) == 0
    right[0.75] = np.full(8, 92)
    assert chosen(least=9) == 0.75
    assert chosen(least=9, set_apart=False) == 0


def test_it_is_judged_by_the_labels_that_are_asked_for(network: LiveNetwork, tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path, network)
    shown = photograph(0, undrawn=False)
    renamed = WorkingPhotograph(shown.image, np.array([0, 3, 2, 1], np.uint8)[shown.parsing])
    more, names = extend_head(network, 1), extend_head(network, 1)
    # What was called 1 is called 3, and nobody asks for 1.
    with torch.no_grad():
        for part in names.network.classify.parameters():
            part[[1, 3]] = part[[3, 1]]
    asked = quick_mean_iou(more, [shown], cache, (0, 1, 2))
    assert asked == pytest.approx(quick_mean_iou(names, [renamed], cache, (0, 2, 3)))
    assert asked != pytest.approx(quick_mean_iou(more, [shown], cache, EVERYTHING))


def test_half_of_every_step_is_replayed(network: LiveNetwork, tmp_path: Path) -> None:
    replay = [photograph(seed) for seed in (20, 21, 22)]
    cache = FeatureCache(tmp_path, network)
    tuning = FineTuning(network, LABELS, PHOTOGRAPHS, cache, RECIPE, replay)
    drawn = [id(tuning._photograph(number)) for number in range(24)]
    new, old = drawn[::2], drawn[1::2]
    assert all(sorted(new[start : start + 4]) == sorted(map(id, PHOTOGRAPHS)) for start in (0, 4, 8))
    assert all(sorted(old[start : start + 3]) == sorted(map(id, replay)) for start in (0, 3, 6, 9))
    alone = FineTuning(network, LABELS, PHOTOGRAPHS, cache, RECIPE)
    assert {id(alone._photograph(number)) for number in range(4)} == set(map(id, PHOTOGRAPHS))


def test_a_piece_of_a_photograph_fits_together(network: LiveNetwork, tmp_path: Path) -> None:
    cache, rng = FeatureCache(tmp_path, network), np.random.default_rng(0)
    whole = photograph(3)
    backbone = cache.of(whole.image)
    places = np.arange(whole.parsing.size).reshape(whole.parsing.shape)
    for _ in range(20):
        box = random_box(places.shape, (48, 32), rng)
        piece, numbers = piece_of(backbone, box), box.of(places, 1)
        assert numbers.shape == (48, 32)
        top, left = divmod(int(numbers[0, 0]), whole.parsing.shape[1])
        for stage, cut, stride in zip(backbone.joined, piece.joined, (4, 8, 16), strict=True):
            rows, columns = (
                slice(first // stride, (first + side) // stride) for first, side in ((top, 48), (left, 32))
            )
            assert torch.equal(cut, stage[..., rows, columns])
    everything = random_box(places.shape, (960, 960), rng)
    assert torch.equal(piece_of(backbone, everything).joined[0], backbone.joined[0])
    np.testing.assert_array_equal(everything.of(places, 1), places)


@WITH_AND_WITHOUT_CONTEXT
def test_new_labels_are_found_before_the_first_step(network: LiveNetwork, tmp_path: Path) -> None:
    cache, unseen = FeatureCache(tmp_path, network), photograph(10, undrawn=False)
    shown = torch.from_numpy(unseen.parsing[2::4, 2::4] == KNOWN)

    def told_apart(photographs: int) -> float:
        more = extend_head(network, 1)
        before = more.network.classify.weight.detach().clone()
        fit_new_labels(more, [KNOWN], [photograph(seed) for seed in range(20, 20 + photographs)], cache)
        after = more.network.classify.weight
        assert torch.equal(after[:KNOWN], before[:KNOWN])
        assert (after[KNOWN] != 0).any()
        with torch.no_grad():
            prior = more.network.heads(cache.of(unseen.image)).fine.prior[0, KNOWN]
        return float(prior[shown].mean() - prior[~shown].mean())

    few, many = told_apart(2), told_apart(16)
    assert 0 < few < many
    assert many > 0.1  # Of two photographs little is sure.


def test_labels_that_no_photograph_shows_are_left_alone(network: LiveNetwork, tmp_path: Path) -> None:
    cache, more = FeatureCache(tmp_path, network), extend_head(network, 2)
    fit_new_labels(more, [KNOWN + 1], PHOTOGRAPHS, cache)
    assert (more.network.classify.weight[KNOWN:] == 0).all()


@pytest.mark.parametrize(("photographs", "replayed", "steps"), [(1, 0, 80), (40, 0, 160), (40, 3, 320), (900, 0, 400)])
def test_few_photographs_take_few_steps(
    network: LiveNetwork, tmp_path: Path, photographs: int, replayed: int, steps: int
) -> None:
    several, again = [PHOTOGRAPHS[0]] * photographs, [PHOTOGRAPHS[1]] * replayed
    tuning = FineTuning(network, LABELS, several, FeatureCache(tmp_path, network), FineTuningRecipe(), again)
    assert tuning.steps == steps


def test_it_ends_at_the_first_number_that_is_none(network: LiveNetwork, tmp_path: Path) -> None:
    cache, file = FeatureCache(tmp_path / "cache", network), tmp_path / "checkpoint.pt"
    named = [replace(one, id=f"of task {number}") for number, one in enumerate(PHOTOGRAPHS)]
    assert not FineTuning(network, LABELS, named, cache, RECIPE).run(file, lambda step, loss: step < 4)
    kept = file.read_bytes()
    wild = FineTuning(network, LABELS, named, cache, RECIPE)

    def blow_up(step: int, loss: float) -> bool:
        if step == 6:
            next(wild.network.decoder.parameters()).data.fill_(1e38)
        return True

    with pytest.raises(
        NotFiniteError, match=r"^(loss|weights): .* in step 6 \(photographs? of task \d.*; learning rate"
    ):
        wild.run(file, blow_up)
    assert file.read_bytes() == kept
    again = FineTuning(network, LABELS, named, cache, RECIPE)
    assert again.run(file)
    assert not_finite(again.network.state_dict()) is None


@pytest.mark.parametrize("content", [b"", b"<html>", b"PK\x03\x04"])
def test_a_broken_checkpoint_is_named(content: bytes, network: LiveNetwork, tmp_path: Path) -> None:
    file = tmp_path / "checkpoint.pt"
    file.write_bytes(content)
    tuning = FineTuning(network, LABELS, PHOTOGRAPHS, FeatureCache(tmp_path / "cache", network), RECIPE)
    with pytest.raises(ValueError, match=r"checkpoint: .*checkpoint\.pt does not fit this training .*remove it"):
        tuning.run(file)


def test_one_drawn_cell_is_enough_for_a_new_label(network: LiveNetwork, tmp_path: Path) -> None:
    parsing = np.full_like(PHOTOGRAPHS[0].parsing, 255)
    parsing[8:12, 8:12] = KNOWN
    tuning = FineTuning(
        network, LABELS, [replace(PHOTOGRAPHS[0], parsing=parsing)], FeatureCache(tmp_path, network), RECIPE
    )
    assert tuning.run()
    assert not_finite(tuning.network.state_dict()) is None


def test_photographs_without_anything_drawn_do_no_harm(network: LiveNetwork, tmp_path: Path) -> None:
    parsing = np.full_like(PHOTOGRAPHS[0].parsing, 255)
    tuning = FineTuning(
        network, LABELS, [replace(PHOTOGRAPHS[0], parsing=parsing)], FeatureCache(tmp_path, network), RECIPE
    )
    assert tuning.run()
    assert not_finite(tuning.network.state_dict()) is None


def test_states_are_not_chosen_among_by_answers_that_are_no_numbers(network: LiveNetwork, tmp_path: Path) -> None:
    broken = extend_head(network, 0)
    next(broken.decoder.parameters()).data.fill_(torch.nan)
    with pytest.raises(NotFiniteError, match="logits: those of photograph"):
        quick_mean_iou(broken, PHOTOGRAPHS, FeatureCache(tmp_path, network), EVERYTHING)
