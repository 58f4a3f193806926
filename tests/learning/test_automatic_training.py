"""Automatic parsers, trained from the command line to a model folder that serves, in miniature."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from ihp_backend.datasets import CcpDataset
from ihp_backend.labels import CCP
from ihp_backend.learning.augmentation import rotated
from ihp_backend.learning.automatic_data import ParserViews, WholePhotographs
from ihp_backend.learning.automatic_module import AutomaticTraining
from ihp_backend.learning.batch_norm import reestimate
from ihp_backend.losses import JointStructure, ParserLoss
from ihp_backend.networks import ContextEdgeParser
from ihp_backend.parsing import Parser
from training import export, train_automatic

TINY = "tu-test_resnet"


def views(root: Path, seed: int = 0, rotation: float = 0, *, colours: bool = True) -> ParserViews:
    return ParserViews(CcpDataset(root, "train"), 10, seed, (96, 64), (0.5, 1.5), rotation, colours)


def test_a_view_depends_on_the_seed_and_its_number_alone(ccp_tree: Path) -> None:
    first, again, other = views(ccp_tree), views(ccp_tree), views(ccp_tree, seed=1)
    _ = again[0], again[9]
    for left, right in zip(first[7], again[7], strict=True):
        assert torch.equal(left, right)
    assert not torch.equal(first[7][0], other[7][0])


def test_colours_and_rotation_change_the_view(ccp_tree: Path) -> None:
    plain, turned = views(ccp_tree, colours=False), views(ccp_tree, rotation=30, colours=False)
    changed = [not torch.equal(plain[number][1], turned[number][1]) for number in range(10)]
    assert any(changed)
    assert not torch.equal(views(ccp_tree)[0][0], plain[0][0])


def test_a_quarter_turn_is_exact_and_corners_are_ignored() -> None:
    rng = np.random.default_rng(0)
    image, parsing = rng.integers(0, 256, (9, 9, 3), np.uint8), rng.integers(0, 5, (9, 9), np.uint8)
    turned, parsed = rotated(image, parsing, 90)
    assert np.array_equal(parsed, np.rot90(parsing))
    assert np.array_equal(turned, np.rot90(image))
    _, slanted = rotated(image, parsing, 45)
    assert slanted[0, 0] == slanted[-1, -1] == 255
    assert slanted[4, 4] == parsing[4, 4]


def test_validation_sees_whole_photographs(ccp_tree: Path) -> None:
    samples = CcpDataset(ccp_tree, "val")
    image, parsing = WholePhotographs(samples, 1.0)[0]
    height, width = samples[0].parsing.shape
    assert np.array_equal(parsing[:height, :width].numpy(), samples[0].parsing)
    assert image.shape[1:] == parsing.shape
    assert all(side % 32 == 0 for side in parsing.shape)


def test_batch_norm_is_taken_from_all_batches_alike() -> None:
    network = PlainBatchNorm()
    batches = [(torch.full((count, 1, 4, 4), value), torch.zeros(count)) for count, value in ((2, 1.0), (1, 5.0))]
    reestimate(network, batches, torch.device("cpu"))
    assert network.norm.state_dict()["running_mean"].item() == pytest.approx(3)
    assert network.norm.momentum == 0.1
    assert not network.training


class PlainBatchNorm(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = torch.nn.BatchNorm2d(1)

    def forward(self, image: torch.Tensor, maps: None) -> torch.Tensor:
        return self.norm(image)


def test_joints_that_the_labels_have_not_are_refused_before_any_training() -> None:
    network = ContextEdgeParser(4, TINY, width=8)
    loss = ParserLoss(structure=JointStructure({"head": (1, 9)}))
    with pytest.raises(ValueError, match=r"joints: head has the id 9; ids go from 0 to 3"):
        AutomaticTraining(network, loss=loss)


def test_a_refined_parser_is_trained_exported_and_served(
    ccp_tree: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    inner = {
        "class_path": "ihp_backend.networks.ContextEdgeParser",
        "init_args": {"num_labels": 24, "encoder": TINY, "width": 8},
    }
    regions = {name: sorted(ids) for name, ids in CCP.regions.items()}
    network = {
        "class_path": "ihp_backend.networks.RegionRefiner",
        "init_args": {"network": inner, "regions": regions, "width": 8},
    }
    joints = {name: sorted(ids) for name, ids in CCP.joints.items()}
    monkeypatch.setattr("sys.argv", [
        "train_automatic", "fit", "--run", str(tmp_path / "run"), "--check_export", "false",
        "--data.root", str(ccp_tree), "--data.dataset", "ccp", "--data.steps", "2", "--data.batch_size", "2",
        "--data.size", "[64, 64]", "--data.workers", "0", "--data.rotation", "30", "--data.validation_photographs", "1",
        "--trainer.accelerator", "cpu", "--trainer.enable_progress_bar", "false",
        "--trainer.callbacks", "[{class_path: lightning.pytorch.callbacks.EMAWeightAveraging}, {class_path: "
        "ihp_backend.learning.sample_pictures.SamplePictures}, {class_path: "
        "lightning.pytorch.callbacks.ModelCheckpoint, init_args: {save_last: true}}]",
        "--trainer.callbacks+", "ihp_backend.learning.batch_norm.ReestimatedBatchNorm",
        "--model.network", json.dumps(network),
        "--model.loss", "ihp_backend.losses.ParserLoss", "--model.loss.lovasz_weight", "1",
        "--model.loss.structure", "ihp_backend.losses.JointStructure",
        "--model.loss.structure.joints", json.dumps(joints),
    ])  # fmt: skip
    train_automatic.main()
    run = tmp_path / "run"
    assert (run / "finished").is_file()
    assert list(run.glob("log/version_0/pictures/*.png"))
    with pytest.raises(SystemExit, match=r"labels: 'lip' given, but \S+ was trained on background, hat, .*leave out"):
        export.main(run / "checkpoints" / "last.ckpt", out=tmp_path / "model", labels="lip")
    export.main(run / "checkpoints" / "last.ckpt", out=tmp_path / "model", working_size=128)
    described = json.loads((tmp_path / "model" / "model.json").read_text())["network"]
    assert described["class"] == "RegionRefiner"
    assert described["arguments"]["network"]["class"] == "ContextEdgeParser"
    parser = Parser.from_pretrained(tmp_path / "model")
    label_map = parser.parse(parser.open(np.zeros((100, 60, 3), np.uint8)), []).label_map
    assert label_map.shape == (100, 60)
