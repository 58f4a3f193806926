from __future__ import annotations

from pathlib import Path

import pytest

from ihp_backend.label_studio.config.labelling_config import parse_labelling_config
from ihp_backend.labels import BENCHMARKS
from tests.commands.test_accepted_work import run

EXAMPLES = Path(__file__).parents[2] / "examples" / "labelling_configs"
OWN_LABELS = "hair, beard, left glove, right glove, tattoo"


def test_a_config_by_name_and_of_ones_own_labels() -> None:
    shown = run("config", "helen")
    assert parse_labelling_config(shown.stdout).label_set().names == BENCHMARKS["helen"].names
    own = run("config", "--labels", "beard, tattoo,left glove")
    assert parse_labelling_config(own.stdout).label_set().names == ("background", "beard", "tattoo", "left glove")


def test_with_bitmasks() -> None:
    config = parse_labelling_config(run("config", "helen", "--bitmask").stdout)
    assert {target.type for target in config.targets} == {"bitmasklabels"}
    assert config.labels == parse_labelling_config(run("config", "helen").stdout).labels


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.xml")), ids=lambda file: file.stem)
def test_the_examples_are_what_it_prints(file: Path) -> None:
    named = ["--labels", OWN_LABELS] if file.stem == "own-labels" else [file.stem]
    text = file.read_text()
    assert text[text.index("<View>") :] == run("config", *named).stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["zoo"], "name: 'zoo' is unknown; choose one of ccp"),
        ([], "name: give one of ccp"),
        (["lip", "--labels", "a"], "name: give one of ccp"),
        (["--labels", "a,b,a"], "labels: names: ['a'] given more than once"),
    ],
)
def test_what_is_wrong_is_said(arguments: list[str], message: str) -> None:
    refused = run("config", *arguments)
    assert refused.exit_code == 1
    assert message in refused.output
