from __future__ import annotations

from pathlib import Path

import pytest

from ihp_backend.label_studio.config.labelling_config import parse_labelling_config
from ihp_backend.labels import BENCHMARKS
from tests.commands.test_accepted import run

EXAMPLES = Path(__file__).parents[2] / "examples" / "labelling_configs"
OWN_LABELS = "hair, beard, left glove, right glove, tattoo"


def test_a_config_by_name_and_of_ones_own_labels() -> None:
    shown = run("config", "helen")
    assert parse_labelling_config(shown.stdout).label_set().names == BENCHMARKS["helen"].names
    own = run("config", "--labels", "beard, tattoo,left glove")
    assert parse_labelling_config(own.stdout).label_set().names == ("background", "beard", "tattoo", "left glove")


@pytest.mark.parametrize("form", ["bitmask", "polygon"])
def test_with_other_masks_than_brushes(form: str) -> None:
    config = parse_labelling_config(run("config", "helen", f"--{form}").stdout)
    assert {target.type for target in config.targets} == {f"{form}labels"}
    assert "give one of them" in run("config", "helen", "--bitmask", "--polygon").output
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
        (["--labels", ""], "labels: '' names no label"),
        (["--labels", " , ,"], "labels: ' , ,' names no label"),
        (["--labels", "background"], "labels: 'background' names no label"),
        (["--labels", "hair,Hair"], "labels: 'hair', 'Hair' differ only in spelling"),
        (["--labels", "left arm,beard,L-Arms"], "labels: 'left arm', 'L-Arms' differ only in spelling"),
        (["--labels", "hat,bg,background"], "labels: 'bg', 'background' all mean the background"),
        (["--labels", "hat,ca\u0007p"], "labels: 'ca\\x07p' has characters that cannot be shown"),
        (["--labels", ",".join(map(str, range(300)))], "labels: names: 301 labels given"),
    ],
)
def test_what_is_wrong_is_said(arguments: list[str], message: str) -> None:
    refused = run("config", *arguments)
    assert refused.exit_code == 1
    assert message in refused.output


def test_synonyms_are_said_and_written() -> None:
    told = run("config", "--labels", "hat, cap, ★, ★★, tattoo")
    assert told.exit_code == 0
    assert parse_labelling_config(told.stdout).label_set().names == ("background", "hat", "cap", "★", "★★", "tattoo")
    assert "labels: 'hat', 'cap' are synonyms to the model" in told.stderr
    assert "tattoo" not in told.stderr
