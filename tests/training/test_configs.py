"""The training configurations are understood, and say what the paper says."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from ihp_backend.datasets import DATASETS
from ihp_backend.labels import BENCHMARKS, HUMAN18
from training import train, train_automatic, train_live, train_parts, train_prior
from training.reproduction.methods import AUTOMATIC, METHODS, UNSEEN
from training.reproduction.scales import CCP, PARSERS_CCP, PARSERS_FULL, Scale
from training.reproduction.steps import Folders, fit_command

CONFIGS = Path(__file__).parents[2] / "training" / "configs"
PAPER = {"lip": 300_000, "cihp": 300_000, "pascal_person_part": 120_000, "helen": 120_000}
PAPER_AUTOMATIC = {"lip": 342_700, "atr": 150_700, "pascal_person_part": 100_000}
ALONE = {
    "ccp_deeplab": train.main,
    "ccp_paper": train.main,
    "ccp_live": train_live.main,
    "ccp_automatic": train_automatic.main,
    "ccp_prior": train_prior.main,
}
ON_TOP = ("ccp_live_small",)
PARTS = ("ccp_ideeplab", "ccp_dextr", "paper_ideeplab", "paper_dextr")


def complete(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    *names: str,
    main: Callable[[], None] = train.main,
) -> dict[str, Any]:
    """The whole configuration that the command line makes of these files."""
    files = [argument for name in names for argument in ("--config", str(CONFIGS / f"{name}.yaml"))]
    start = ["--model.start", "model.safetensors"] if main is train_prior.main else []
    return understood(capsys, monkeypatch, ["fit", *files, "--run", "runs/x", "--data.root", "data", *start], main)


def understood(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: Sequence[str],
    main: Callable[[], None],
) -> dict[str, Any]:
    """The whole configuration that a command line stands for."""
    monkeypatch.setattr("sys.argv", ["train", *arguments, "--print_config"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    config: dict[str, Any] = yaml.safe_load(capsys.readouterr().out)
    return config


def test_no_configuration_is_forgotten() -> None:
    names = {file.stem for file in CONFIGS.glob("*.yaml")}
    automatic = ("paper_automatic", *(f"paper_automatic_{name}" for name in PAPER_AUTOMATIC))
    assert names == {"paper", *(f"paper_{name}" for name in PAPER), *automatic, *ALONE, *ON_TOP, *PARTS}


@pytest.mark.parametrize("name", ALONE)
def test_a_configuration_fits_its_data(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    config = complete(capsys, monkeypatch, name, main=ALONE[name])
    assert config["model"]["network"]["init_args"]["num_labels"] == len(BENCHMARKS[config["data"]["dataset"]])


@pytest.mark.parametrize("name", PARTS)
def test_a_configuration_of_a_part_network(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    config = complete(capsys, monkeypatch, name, main=train_parts.main)
    wanted = "InteractiveDeepLab" if name.endswith("ideeplab") else "ExtremePointDeepLab"
    assert config["model"]["network"]["class_path"].endswith(wanted)


@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if method.kind == "live"])
def test_variants_of_the_live_network(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.chdir(CONFIGS.parents[1])
    folders = Folders(tmp_path / "data", tmp_path / "work", tmp_path / "results")
    _, module, *arguments = fit_command(METHODS[name], 1, CCP, folders, tmp_path / "run")
    assert module == "training.train_live"
    config = understood(capsys, monkeypatch, arguments, train_live.main)
    data, model, network = config["data"], config["model"], config["model"]["network"]["init_args"]
    assert (data["dataset"], data["steps"], data["size"]) == ("ccp-human18", 1200, [160, 96])
    assert network["num_labels"] + len(data["left_out"]) == len(HUMAN18)
    usual = {"rounds": 2, "forgetting": 0.3, "similarity": True, "finest": 4, "semantic_perceiving": True,
             "colour": True, "share": 0.6}  # fmt: skip
    options = {**model, **network, **data["sub_parts"]}
    found = {option: options[option] for option in usual}
    found["semantic_perceiving"] = found["semantic_perceiving"] is not None
    changed = {"live-one-round": "rounds", "live-no-previous": "forgetting", "live-no-sp": "semantic_perceiving",
               "live-no-similarity": "similarity", "live-stride-8": "finest", "live-no-colour": "colour",
               "live-no-pieces": "share"}.get(name)  # fmt: skip
    assert {option for option in usual if found[option] != usual[option]} == ({changed} if changed else set())


@pytest.mark.parametrize("name", PAPER_AUTOMATIC)
def test_the_recipe_of_automatic_parsers(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    names = "paper_automatic", f"paper_automatic_{name}"
    config = complete(capsys, monkeypatch, *names, main=train_automatic.main)
    model, data = config["model"], config["data"]
    assert model["network"]["class_path"].endswith("ContextEdgeParser")
    assert model["network"]["init_args"]["num_labels"] == len(BENCHMARKS[data["dataset"]])
    assert data["steps"] == PAPER_AUTOMATIC[name]


@pytest.mark.parametrize("scale", [PARSERS_CCP, *PARSERS_FULL], ids=lambda scale: scale.dataset)
@pytest.mark.parametrize("name", AUTOMATIC)
def test_every_automatic_parser_can_be_trained(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, scale: Scale
) -> None:
    """The settings alone are looked at: networks of the full size take seconds to make."""
    folders = Folders(tmp_path / "data", tmp_path / "work", tmp_path / "results", "imagenet")
    method = METHODS[name]
    assert method.parser is not None
    if "sunglasses" in method.parser.regions and scale.dataset == "pascal-person-part":
        with pytest.raises(ValueError, match="'sunglasses' is no region and no label; regions are head, body"):
            fit_command(method, 0, scale, folders, tmp_path / "run")
        return
    _, module, *arguments = fit_command(method, 0, scale, folders, tmp_path / "run")
    assert module == "training.train_automatic"
    network = json.loads(arguments[arguments.index("--model.network") + 1])
    inner = network["init_args"].get("network", network)
    assert inner["init_args"]["num_labels"] == len(BENCHMARKS[scale.dataset])
    assert inner["init_args"]["encoder_weights"] == "imagenet"
    assert ("regions" in network["init_args"]) == ("RegionRefiner" in network["class_path"])
    assert ("--model.loss.structure.joints" in arguments) == bool(method.parser.structure)


@pytest.mark.parametrize("name", ["ce2p-mid", "ce2p-equal", "attention-ssl", "ce2p-lovasz", "ce2p-batch-norm"])
def test_the_command_line_understands_automatic_parsers(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.chdir(CONFIGS.parents[1])
    folders = Folders(tmp_path / "data", tmp_path / "work", tmp_path / "results")
    _, _, *arguments = fit_command(METHODS[name], 1, PARSERS_CCP, folders, tmp_path / "run")
    config = understood(capsys, monkeypatch, arguments, train_automatic.main)
    model = config["model"]
    if name == "ce2p-batch-norm":
        assert [one["class_path"].rpartition(".")[2] for one in config["trainer"]["callbacks"]] == [
            "EMAWeightAveraging", "ModelCheckpoint", "SamplePictures", "StepTiming", "ReestimatedBatchNorm",
        ]  # fmt: skip
    elif name == "ce2p-mid":
        assert model["network"]["init_args"]["fusion"] == "mid"
        assert model["network"]["init_args"]["network"]["init_args"]["encoder"] == "mobilenet_v2"
    else:
        loss = model["loss"]["init_args"]
        assert (loss["region_weights"] == "equal") == (name == "ce2p-equal")
        assert (loss["structure"] is not None) == (name == "attention-ssl")
        assert (loss["lovasz_weight"] == 1) == (name == "ce2p-lovasz")


def test_every_label_is_unseen_once() -> None:
    assert sorted(name for third in UNSEEN for name in third) == sorted(HUMAN18.names[1:])


@pytest.mark.parametrize("name", PAPER)
def test_the_papers_recipe(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    config = complete(capsys, monkeypatch, "paper", f"paper_{name}")
    model, data = config["model"], config["data"]
    assert data["dataset"] in DATASETS
    assert model["network"]["init_args"]["num_labels"] == len(BENCHMARKS[data["dataset"]])
    assert model["network"]["init_args"]["encoder"] == "resnet101"
    assert data["steps"] == PAPER[name]
    assert (data["batch_size"], data["size"]) == (12, [473, 473])
    optimiser = model["optimiser"]
    assert (optimiser["kind"], optimiser["schedule"]) == ("sgd", "poly")
    assert (optimiser["learning_rate"], optimiser["weight_decay"]) == (7e-4, 5e-4)
    assert model["loss"]["class_path"].endswith("BalancedCrossEntropy")
    assert model["semantic_perceiving"]["class_path"].endswith("SemanticPerceivingLoss")
    assert data["clicks"]["extra_limit"] == (45 if name in ("lip", "cihp") else 15)
    assert data["clicks"]["margin"] == (3 if name == "helen" else 10)


def test_what_is_assumed_about_a_data_set_can_be_said_otherwise(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["fit", "--config", str(CONFIGS / "paper.yaml"), "--run", "runs/x", "--data.root", "data"]
    options = ["--data.options.order", "m2fp", "--data.options.first_id", "1"]
    config = understood(capsys, monkeypatch, [*arguments, *options], train.main)
    assert config["data"]["options"] == {"order": "m2fp", "first_id": 1}


def test_trouble_with_the_data_is_said_in_a_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    arguments = ["--config", str(CONFIGS / "ccp_paper.yaml"), "--run", str(tmp_path / "run")]
    monkeypatch.setattr("sys.argv", ["train", "fit", *arguments, "--data.root", str(tmp_path / "nowhere")])
    with pytest.raises(SystemExit, match=r"data: root: .*/nowhere is missing; give the folder of the CCP"):
        train.main()
