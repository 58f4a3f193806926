"""Training in the loop: what the simulated annotators answer, and from the command line to a folder that serves."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from ihp_backend.clicks import Click, add_click, localization_maps
from ihp_backend.learning.live_samples import Grid, Samples, click_plane, clicks_in, clicks_of
from ihp_backend.learning.task_sampling import SampledTask, TaskSampling
from ihp_backend.losses.pixels import truly_clicked
from ihp_backend.networks.live.decoder_inputs import clicked_in
from ihp_backend.parsing import Parser
from tests.live_exports import TINY
from training import export, train_live

ROOT = Path(__file__).parents[2]
EVERYTHING_KNOWN = TaskSampling(unknown=0, partly_unknown=0, left_out=0, others=0, drawn=0)


def two_samples() -> tuple[Samples, np.ndarray]:
    parsing = np.zeros((32, 32), np.uint8)
    parsing[4:16, 4:28] = 1
    parsing[18:30, 6:20] = 2
    tasks = [SampledTask(np.arange(3), np.eye(3, 5, dtype=bool), parsing)] * 2
    clicks = [clicks_of([Click(10, 8, 1)]), clicks_of([])]
    return Samples(tasks, clicks, torch.full((2, 32, 32), 255, dtype=torch.uint8), torch.device("cpu")), parsing


@pytest.mark.parametrize("step", [1, 2, 4])
def test_corrections_lie_where_the_answer_is_wrong(step: int) -> None:
    samples, parsing = two_samples()
    rng = np.random.default_rng(0)
    grid = Grid.draw(step, rng)
    wrong = np.zeros_like(parsing)  # Background everywhere.
    answer = grid.of(torch.from_numpy(np.stack([wrong, parsing])))
    samples.correct(answer, torch.ones_like(answer, dtype=torch.bool), grid, rng, limit=2, forgetting=0.0)
    first, second = samples.clicks
    new = [tuple(place) for place in first.tolist() if tuple(place) != (1, 8, 10)]
    assert 1 <= len(new) <= 2
    assert all(parsing[y, x] == label != 0 for label, y, x in new)
    assert len(second) == 0
    shown = grid.of(samples.previous).numpy()
    np.testing.assert_array_equal(shown[1], answer[1])
    # The corrections say that it is not background, so none is left around them; this is a small photograph.
    assert set(np.unique(shown[0])) == {255}


def test_an_answer_is_shown_where_it_was_sure() -> None:
    samples, parsing = two_samples()
    answer = torch.from_numpy(np.stack([parsing] * 2))
    sure = torch.zeros_like(answer, dtype=torch.bool)
    sure[:, :16] = True
    samples.correct(answer, sure, Grid(1, (0, 0)), np.random.default_rng(0), 1, forgetting=0.0)
    np.testing.assert_array_equal(samples.previous[0, :16].numpy(), parsing[:16])
    assert (samples.previous[:, 16:] == 255).all()


def test_a_forgotten_answer_is_not_shown() -> None:
    samples, parsing = two_samples()
    grid = Grid(1, (0, 0))
    answer = torch.from_numpy(np.stack([parsing] * 2))
    sure = torch.ones_like(answer, dtype=torch.bool)
    samples.correct(answer, sure, grid, np.random.default_rng(0), 1, forgetting=1.0)
    assert (samples.previous == 255).all()
    assert (samples.inputs().previous == 0).all()


def test_labels_that_cannot_be_answered_yet_are_ignored() -> None:
    samples, parsing = two_samples()
    samples.known[:, 1:] = 0
    inputs = samples.inputs()
    assert inputs.present.tolist() == [[True, True, False], [True, False, False]]
    target = samples.target(inputs.present)
    np.testing.assert_array_equal(target[0].numpy() == 255, parsing == 2)
    np.testing.assert_array_equal(target[1].numpy() == 255, parsing > 0)


def test_evidence_shows_clicks_and_what_is_drawn() -> None:
    samples, parsing = two_samples()
    samples.previous[1] = torch.from_numpy(np.where(parsing == 2, 2, 255).astype(np.uint8))
    inputs = samples.inputs()
    assert inputs.clicked.own.sum().item() == 1
    assert inputs.clicked.places[0, 0].tolist() == [8, 10]
    shares = inputs.previous[1].numpy()
    assert (shares[:2] == 0).all()
    np.testing.assert_allclose(shares[2], (parsing == 2).reshape(8, 4, 8, 4).mean((1, 3)))


def test_drawn_samples_follow_their_batch() -> None:
    parsing = torch.randint(0, 4, (3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    clicks = [Click(3, 4, int(parsing[0, 4, 3])), Click(9, 9, int(parsing[0, 9, 9]))]
    planes = torch.from_numpy(np.stack([click_plane(clicks, (16, 16))] + [click_plane([], (16, 16))] * 2))
    samples = Samples.draw(parsing, clicks_in(planes), EVERYTHING_KNOWN, np.random.default_rng(1), 6)
    assert samples.parsing.shape == (3, 16, 16)
    assert samples.known.shape == (3, 4, 6)
    behind = samples.known.argmax(2)
    for number in range(3):
        assert torch.equal(behind[number][samples.parsing[number]], parsing[number].long())
    clicked = samples.inputs().clicked
    assert clicked.own[1:].sum() == 0
    for place, row in zip(clicked.places[0], clicked.own[0], strict=True):
        if row.any():
            assert behind[0][row.argmax()] == parsing[0, place[0], place[1]]


@pytest.mark.usefixtures("shared_live_exports")
def test_train_export_serve(ccp_tree: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = yaml.safe_load((ROOT / "training" / "configs" / "ccp_live.yaml").read_text())
    config["data"] |= {"root": str(ccp_tree), "steps": 3, "batch_size": 2, "size": [64, 64], "workers": 0}
    config["data"] |= {"validation_photographs": 1}
    config["trainer"] |= {"val_check_interval": 3, "log_every_n_steps": 1}
    config["model"]["network"]["init_args"] |= {**TINY, "widths": [*TINY["widths"]]}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    arguments = ["fit", "--config", str(tmp_path / "config.yaml"), "--run", str(tmp_path / "run")]
    monkeypatch.setattr(sys, "argv", ["train_live", *arguments])
    train_live.main()
    checkpoint = tmp_path / "run" / "checkpoints" / "last.ckpt"
    export.main(checkpoint, out=tmp_path / "model")
    for labels in (None, ["background", "hair", "tattoo"]):
        parser = Parser.from_pretrained(tmp_path / "model", labels)
        scene = parser.open(np.zeros((80, 60, 3), np.uint8))
        parse = parser.parse(scene, [Click(30, 40, 2), Click(5, 5, 0)])
        assert parse.label_map.shape == (80, 60)
        assert parse.label_map[40, 30] == 2
        assert parse.label_map[5, 5] == 0


@pytest.mark.parametrize("seed", range(4))
def test_clicks_are_what_localization_maps_would_say(seed: int) -> None:
    """Two photographs of which one has more clicks, after corrections: as if every click were stamped into planes."""
    samples, _ = two_samples()
    rng = np.random.default_rng(seed)
    given = [
        [Click(int(x), int(y), int(label)) for x, y, label in rng.integers((32, 32, 3), size=(count, 3))]
        for count in (20, seed)
    ]
    samples.clicks = [clicks_of(clicks) for clicks in given]
    maps = np.stack([localization_maps(clicks, 32, 32, 3) for clicks in given])
    grid = Grid.draw(2, rng)
    before = [set(map(tuple, clicks.tolist())) for clicks in samples.clicks]
    nothing = grid.of(torch.from_numpy(np.zeros((2, 32, 32), np.uint8)))
    samples.correct(nothing, torch.ones_like(nothing, dtype=torch.bool), grid, rng, limit=3, forgetting=0.0)
    for number, clicks in enumerate(samples.clicks):
        for label, y, x in set(map(tuple, clicks.tolist())) - before[number]:
            add_click(maps[number], Click(x, y, label))
    planes = torch.from_numpy(maps)
    for found, wanted in zip(samples.inputs().clicked, clicked_in(planes), strict=True):
        assert torch.equal(found, wanted)
        assert found.dtype == wanted.dtype
    true = truly_clicked(samples.parsing, planes).nonzero(as_tuple=True)
    assert all(map(torch.equal, samples.truly_clicked(), true))


@pytest.mark.parametrize("count", [0, 1, 40])
def test_a_click_plane_keeps_the_clicks(count: int) -> None:
    rng = np.random.default_rng(count)
    places = rng.permutation(24 * 16)[:count]
    clicks = [
        Click(int(place % 16), int(place // 16), int(label))
        for place, label in zip(places, rng.integers(0, 200, count), strict=True)
    ]
    planes = torch.from_numpy(click_plane([*clicks, Click(0, 0, 3, positive=False)], (24, 16))[None])
    np.testing.assert_array_equal(clicks_in(planes)[0], clicks_of(clicks))
