"""Names of classes and settings may change: what was written with the former ones means what it meant."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from ihp_backend.labels import LabelSet
from ihp_backend.networks import LiveNetwork
from tests.live_exports import TINY
from training import export, train, train_live
from training.former_names import (
    CLASS_PATHS,
    KEYS,
    MODULES,
    present_arguments,
    present_class,
    present_key,
    present_options,
    present_settings,
)
from training.reproduction import records
from training.reproduction.methods import METHODS
from training.reproduction.scales import CCP, PARSERS_CCP
from training.reproduction.steps import Folders
from training.reproduction.targets import PARSER_TARGETS, needs

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "docs" / "benchmarks" / "ccp" / "results"
RECORDS = sorted(RESULTS.rglob("run.json"))
OF_PARSERS = {method for method, _ in needs(PARSER_TARGETS)}
"""Methods whose tables have a scale of their own."""


@pytest.fixture
def renamed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some names as if they had changed, one of them twice."""
    monkeypatch.setitem(CLASS_PATHS, "losses.Old", "losses.Middle")
    monkeypatch.setitem(CLASS_PATHS, "losses.Middle", "losses.New")
    monkeypatch.setitem(MODULES, "networks.live", "networks.lively")
    monkeypatch.setitem(KEYS, "data.carving", "data.sub_parts")
    monkeypatch.setitem(KEYS, "data.sub_parts.share", "data.sub_parts.portion")
    monkeypatch.setitem(KEYS, "model.network.colour", "model.network.color")
    monkeypatch.setitem(KEYS, "model.jaccard_weight", "model.losses.jaccard")


def test_every_entry_leads_to_something_that_exists() -> None:
    for former, present in CLASS_PATHS.items():
        assert present_class(former) != former
        module, _, name = present_class(present).rpartition(".")
        assert hasattr(importlib.import_module(module), name), former
    for former, present in MODULES.items():
        assert not present_class(f"{former}.X").startswith(f"{former}."), former
        importlib.import_module(present_class(f"{present}.X").rpartition(".")[0])
    for former in KEYS:
        assert present_key(former) != former


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("losses.Old", "losses.New"),
        ("losses.Middle", "losses.New"),
        ("losses.old.Old", "losses.New"),
        ("Old", "New"),
        ("losses.Older", "losses.Older"),
        ("losses.BoldOld", "losses.BoldOld"),
        ("networks.live.network.LiveNetwork", "networks.lively.network.LiveNetwork"),
        ("networks.liver.Network", "networks.liver.Network"),
    ],
)
@pytest.mark.usefixtures("renamed")
def test_classes(given: str, wanted: str) -> None:
    told: list[tuple[str, str]] = []
    assert present_class(given, lambda former, present: told.append((former, present))) == wanted
    assert told == ([] if given == wanted else [(given, wanted)])


@pytest.mark.usefixtures("renamed")
def test_settings_wherever_they_are() -> None:
    given = {
        "trainer": {"callbacks": [{"class_path": "networks.live.Watch"}]},
        "model": {
            "network": {"class_path": "losses.Old", "init_args": {"colour": True, "carving": 1}},
            "jaccard_weight": 2,
            "losses": {"focal": 1},
        },
        "data": {"carving": {"share": 0.5}, "colour": 3},
    }
    before = json.dumps(given)
    wanted = {
        "trainer": {"callbacks": [{"class_path": "networks.lively.Watch"}]},
        "model": {
            "network": {"class_path": "losses.New", "init_args": {"color": True, "carving": 1}},
            "losses": {"focal": 1, "jaccard": 2},
        },
        "data": {"sub_parts": {"portion": 0.5}, "colour": 3},
    }
    assert present_settings(given) == wanted
    assert json.dumps(given) == before
    assert present_settings(wanted) == wanted
    options = {"data.carving.share": "0", "model.network.init_args.colour": "true", "model.loss": "losses.Old"}
    assert present_options(options) == {
        "data.sub_parts.portion": "0",
        "model.network.color": "true",
        "model.loss": "losses.New",
    }


@pytest.mark.usefixtures("renamed")
def test_a_setting_under_both_its_names_is_refused() -> None:
    with pytest.raises(ValueError, match=r"data\.carving: given beside data\.sub_parts.*leave one of them out"):
        present_settings({"data": {"carving": {}, "sub_parts": {}}})


@pytest.mark.usefixtures("renamed")
def test_arguments_of_every_form(tmp_path: Path) -> None:
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text("data: {carving: {share: 0.5}, root: 'yes'}\n")
    new.write_text("data: {sub_parts: {portion: 0.5}}\n")
    broken = tmp_path / "broken.yaml"
    broken.write_text("data: {")
    given = ["fit", "--config", str(old), f"--config={new}", "--config", str(broken), "--data.carving.share", "1",
             "--model.loss=losses.Old", "--data.carving", "{share: 1}", "--trainer.callbacks",
             "[{class_path: networks.live.Watch}]", "--data.left_out", '["a"]', "--seed", "-1", "--config",
             "none.yaml"]  # fmt: skip
    found = present_arguments(given)
    assert yaml.safe_load(found[2]) == {"data": {"sub_parts": {"portion": 0.5}, "root": "yes"}}
    assert yaml.safe_load(found[10]) == {"portion": 1}
    assert yaml.safe_load(found[12]) == [{"class_path": "networks.lively.Watch"}]
    rest = [text for position, text in enumerate(found) if position not in (2, 10, 12)]
    assert rest == ["fit", "--config", f"--config={new}", "--config", str(broken), "--data.sub_parts.portion", "1",
                    "--model.loss=losses.New", "--data.sub_parts", "--trainer.callbacks", "--data.left_out", '["a"]',
                    "--seed", "-1", "--config", "none.yaml"]  # fmt: skip


def test_a_training_takes_former_names_with_a_hint(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(CLASS_PATHS, "ihp_backend.losses.Perceiving", "ihp_backend.losses.SemanticPerceivingLoss")
    monkeypatch.setitem(KEYS, "data.pieces", "data.sub_parts")
    old = tmp_path / "old.yaml"
    text = (ROOT / "training" / "configs" / "ccp_live.yaml").read_text()
    old.write_text(text.replace("losses.SemanticPerceivingLoss", "losses.Perceiving").replace("sub_parts:", "pieces:"))
    on_top = str(ROOT / "training" / "configs" / "ccp_live_small.yaml")
    arguments = ["fit", "--config", str(old), "--config", on_top, "--run", "x", "--data.root", "data"]
    monkeypatch.setattr("sys.argv", ["train", *arguments, "--data.pieces.share", "0.4", "--print_config"])
    with pytest.raises(SystemExit) as ended:
        train_live.main()
    out, err = capsys.readouterr()
    assert ended.value.code == 0, err
    config = yaml.safe_load(out)
    assert config["model"]["semantic_perceiving"]["class_path"].endswith("SemanticPerceivingLoss")
    assert (config["data"]["sub_parts"]["share"], config["data"]["steps"]) == (0.4, 1200)
    for hint in ("ihp_backend.losses.Perceiving is now ihp_backend.losses.SemanticPerceivingLoss",
                 "data.pieces is now data.sub_parts; the former name is taken for one more release"):  # fmt: skip
        assert f"hint: {hint}" in err


def test_a_name_under_both_of_its_forms_ends_a_training_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(KEYS, "data.pieces", "data.sub_parts")
    both = tmp_path / "both.yaml"
    both.write_text("data: {pieces: {share: 0.1}, sub_parts: {share: 0.2}}")
    monkeypatch.setattr("sys.argv", ["train", "fit", "--config", str(both), "--run", "x"])
    with pytest.raises(SystemExit, match=r"train: data\.pieces: given beside data\.sub_parts"):
        train.main()


@pytest.mark.usefixtures("shared_live_exports")
def test_a_run_with_former_names_is_exported(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(CLASS_PATHS, "ihp_backend.networks.live.FormerNetwork", "ihp_backend.networks.live.LiveNetwork")
    monkeypatch.setitem(KEYS, "model.network.vector", "model.network.embedding")
    torch.manual_seed(0)
    arguments: dict[str, Any] = {"num_labels": 3, **TINY, "widths": [8, 8, 8]}
    weights = LiveNetwork(**arguments).state_dict()
    former = {("vector" if name == "embedding" else name): value for name, value in arguments.items()}
    network = {"class_path": "ihp_backend.networks.live.FormerNetwork", "init_args": former}
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"model": {"network": network}, "data": {}}))
    checkpoint = tmp_path / "checkpoints" / "last.ckpt"
    torch.save(
        {
            "state_dict": {f"network.{name}": tensor for name, tensor in weights.items()},
            "pytorch-lightning_version": "2",
            "labels": LabelSet(("background", "hair", "face")).to_dict(),
        },
        checkpoint,
    )
    export.main(checkpoint, out=tmp_path / "model", working_size=64)
    described = json.loads((tmp_path / "model" / "model.json").read_text())["network"]
    assert described["class"] == "LiveNetwork"
    assert described["arguments"]["embedding"] == TINY["embedding"]
    assert "hint" not in capsys.readouterr().err


def checked(method_and_seed: dict[str, Any], scale: Any = CCP) -> None:
    folders = Folders(Path("data"), Path("work"), RESULTS)
    records.check(folders, method_and_seed["method"], method_and_seed["seed"], scale)


def test_every_published_record_is_of_the_present_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert len(RECORDS) >= 45
    for record in (json.loads(file.read_text()) for file in RECORDS):
        checked(record, PARSERS_CCP if record["method"] in OF_PARSERS else CCP)


def test_every_configuration_of_a_published_record_is_kept() -> None:
    hashes = {digest for file in RECORDS for digest in json.loads(file.read_text())["settings"]["configs"].values()}
    assert {file.stem for file in (RESULTS / records.CONFIGS).glob("*.yaml")} == hashes
    for file in (RESULTS / records.CONFIGS).glob("*.yaml"):
        assert records._hash(file) == file.stem, "kept configurations are never edited; former_names.py has the names"


RENAMING = {
    "ihp_backend.losses": "ihp_backend.criteria",
    "ihp_backend.networks.live.LiveNetwork": "ihp_backend.networks.live.ClickFollower",
    "ihp_backend.networks.deeplab.DeepLabClickNetwork": "ihp_backend.networks.deeplab.Clicked",
}


def test_published_records_outlive_a_renaming(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Classes, a module, settings and configuration files get other names; the table says so, the records stay."""
    monkeypatch.chdir(ROOT)

    def turned(text: str) -> str:
        for former, present in RENAMING.items():
            text = text.replace(former, present)
        return text.replace("carving:", "sub_parts:").replace("data.carving", "data.sub_parts")

    files = {}
    for file in (ROOT / "training" / "configs").glob("ccp_*.yaml"):
        files[f"training/configs/{file.name}"] = str(tmp_path / f"new_{file.name}")
        (tmp_path / f"new_{file.name}").write_text("# Another comment.\n" + turned(file.read_text()))
    scale = replace(
        CCP,
        configs=tuple(files[file] for file in CCP.configs),
        other_configs={kind: tuple(files[file] for file in given) for kind, given in CCP.other_configs.items()},
    )
    for name, method in METHODS.items():
        options = {turned(key): turned(value) for key, value in method.options.items()}
        monkeypatch.setitem(METHODS, name, replace(method, options=options))
    found = [json.loads(file.read_text()) for file in RECORDS]
    found = [record for record in found if record["method"] not in OF_PARSERS]
    refused = 0
    for record in found:
        try:
            checked(record, scale)
        except SystemExit:
            refused += 1
    named = sum(METHODS[record["method"]].kind != "classical" for record in found)
    assert refused == named, "all but the classical ones are refused as long as the table does not know the names"
    monkeypatch.setitem(MODULES, "ihp_backend.losses", "ihp_backend.criteria")
    for former, present in RENAMING.items():
        if former != "ihp_backend.losses":
            monkeypatch.setitem(CLASS_PATHS, former, present)
    monkeypatch.setitem(KEYS, "data.carving", "data.sub_parts")
    for record in found:
        checked(record, scale)


def test_another_value_is_refused_whatever_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(ROOT)
    changed = tmp_path / "ccp_live.yaml"
    changed.write_text((ROOT / "training/configs/ccp_live.yaml").read_text().replace("{share: 0.6}", "{share: 0.7}"))
    [_, small] = CCP.other_configs["live"]
    scale = replace(CCP, other_configs={**CCP.other_configs, "live": (str(changed), small)})
    with pytest.raises(SystemExit, match="was made with configs = "):
        checked({"method": "live", "seed": 0}, scale)


def test_configurations_are_kept_with_what_was_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file that is edited later, without another meaning, is no other setting."""
    config = tmp_path / "small.yaml"
    config.write_text("data: {steps: 4, carving: {share: 0.5}}  # as it was\n")
    scale = replace(CCP, configs=(str(config),))
    folders = Folders(tmp_path, tmp_path, tmp_path / "results")
    records.write(folders, "central", 0, scale, [], {}, data="")
    monkeypatch.setitem(KEYS, "data.carving", "data.sub_parts")
    config.write_text("data:\n  sub_parts: {share: 0.5}\n  steps: 4\n")
    records.check(folders, "central", 0, scale)
    config.write_text("data:\n  sub_parts: {share: 0.5}\n  steps: 5\n")
    with pytest.raises(SystemExit, match="made with configs"):
        records.check(folders, "central", 0, scale)
