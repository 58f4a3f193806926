"""Files of administrators and of the server itself, and what is typed at commands: the declared error, or nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest

from ihp_backend.batch_parsing.named_photographs import NamesError, find_photographs
from ihp_backend.batch_parsing.photograph_parser import PhotographParser
from ihp_backend.clicks import Click
from ihp_backend.label_studio.clicks.active_prompts import Remembered, RememberedLabel
from ihp_backend.label_studio.clicks.click_memory import from_text, to_text
from ihp_backend.label_studio.clicks.prompt_box import Box
from ihp_backend.label_studio.clicks.prompts import Prompt
from ihp_backend.label_studio.config.config_writer import labelling_config
from ihp_backend.labels import CCP
from ihp_backend.parsing.checkpoint import PACKAGED, CheckpointError, read_checkpoint
from ihp_backend.parsing.last_answer import LastAnswer
from ihp_backend.parsing.photograph import Photograph
from ihp_backend.parsing.scene import Parse
from ihp_backend.server.credentials import read_credentials, write_credentials
from tests.server.stand_in import StandInParser
from tests.server.wild_bodies import DEEP, mutated, wild_value

from .inputs import CHANCES, damaged, error_of, wild
from .test_masks import DISC


def written(value: Any, chance: Random, deep: int = 5000) -> bytes:
    """A JSON file with wild parts, among them lists so many levels deep, or with damage."""
    if chance.random() < 0.3:
        return damaged(json.dumps(value).encode(), chance)
    return json.dumps(mutated(value, chance)).replace(f'"{DEEP}"', "[" * deep + "]" * deep).encode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@wild("model folders", CHANCES)
def test_model_folders(folder: Path, chance: Random) -> None:
    packaged = PACKAGED / chance.choice(["ccp-live", "ccp-deeplab"])
    described = json.loads((packaged / "model.json").read_text())
    (folder / "model.json").write_bytes(written(described, chance))
    if (error := error_of(CheckpointError, lambda: read_checkpoint(folder))) is not None:
        assert "model.json" in str(error)
        return
    read = read_checkpoint(folder)
    assert read.working_size > 0
    for name in ("model.onnx", "encoder.onnx"):
        with pytest.raises(CheckpointError, match="copy the whole model folder again"):
            read.file(name)


@wild("credentials", CHANCES)
def test_credentials(folder: Path, chance: Random) -> None:
    file = folder / "credentials.json"
    file.unlink(missing_ok=True)
    made = write_credentials(file)
    described = json.loads(file.read_text())
    file.write_bytes(written(described, chance))
    if (error := error_of(ValueError, lambda: read_credentials(file))) is not None:
        assert str(error).startswith("IHP_CREDENTIALS_FILE: ")
        assert not any(one.secret in str(error) for one in made)


@wild("kept clicks", CHANCES)
def test_kept_clicks(chance: Random) -> None:
    prompts = {"a": Prompt("a", "Face", 1, 2), "b": Prompt("b", "Face", 3, 4, False, Box(1, 2, 3, 4))}
    kept = to_text(Remembered({"Face": RememberedLabel(prompts, {"a"}, {"b"}, frozenset({7}), 3, 1.5)}, frozenset({4})))
    assert from_text(kept).labels["Face"].prompts == prompts
    # Only the server itself writes there, and nothing deep.
    text = written(json.loads(kept), chance, deep=100).decode("utf-8", "replace")
    assert isinstance(from_text(text), Remembered)


@wild("kept answers", CHANCES)
def test_kept_answers(chance: Random) -> None:
    kept = LastAnswer.of(Parse(DISC.astype("uint8"), cast(Any, None)), [Click(1, 2, 1)]).to_bytes()
    whole = LastAnswer.from_bytes(kept)
    assert whole is not None
    assert (whole.label_map == DISC).all()
    head, _, pixels = kept.partition(b"\n")
    if chance.random() < 0.5:
        kept = written(json.loads(head), chance, deep=100) + b"\n" + pixels
    answer = LastAnswer.from_bytes(damaged(kept, chance))
    assert answer is None or answer.label_map.ndim == 2


WORDS = (
    *("1", "-1", "\N{ARABIC-INDIC DIGIT THREE}", "9" * 5000, "1.5", "nan", ",", ",,", " ", "face", "Face", "left arm"),
    *("negative", "positive", "\udc80", "\udcff", "*", "**", "/", "..", "[", "]", "[!", "?", "~", "~nobody/"),
    *("x" * 300, "a.jpg", "\\", "\n", "-"),
)  # fmt: skip


@wild("clicks and labels of commands", CHANCES)
def test_clicks_and_names_of_commands(folder: Path, chance: Random) -> None:
    parser = PhotographParser(cast(Any, StandInParser()), labelling_config(CCP))
    photograph = Photograph(DISC[..., None].repeat(3, axis=2).astype("uint8"))
    typed = "".join(chance.choices(WORDS, k=chance.randrange(8)))
    if (error := error_of(ValueError, lambda: parser.parse(photograph, [typed]))) is not None:
        assert str(error).startswith("click: ")
    shutil.rmtree(folder / "named", ignore_errors=True)
    (folder / "named").mkdir()
    (folder / "named" / "a.jpg").touch()
    name = f"{folder}/named/" + "".join(chance.choices(WORDS, k=chance.randrange(5)))
    if (error := error_of(NamesError, lambda: find_photographs([name], folder / "out"))) is not None:
        assert str(error).startswith("photographs: ")


def test_wild_values_are_made() -> None:
    assert len({repr(wild_value(Random(seed))) for seed in range(500)}) > 50
