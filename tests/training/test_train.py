"""What ends a training is said in a sentence, wherever it happened."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

import pytest
from torch._utils import ExceptionWrapper

from ihp_backend.datasets.sample import SampleError
from ihp_backend.learning.click_data import ClickData
from ihp_backend.learning.click_module import ClickTraining
from training import train


def raised_by_a_process_that_prepares_views(error: Exception) -> NoReturn:
    try:
        raise error
    except Exception:
        ExceptionWrapper(sys.exc_info(), "in DataLoader worker process 0").reraise()
    raise AssertionError


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (SampleError("masks/7.png", "id 99", "ids go to 23"), "data: masks/7.png: id 99; ids go to 23"),
        (ValueError("views: none"), "train: views: none"),
    ],
)
def test_a_fault_of_the_data_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    monkeypatch.setattr(train, "TrainingCommand", lambda *_, **__: raised_by_a_process_that_prepares_views(error))
    with pytest.raises(SystemExit) as ended:
        train.command(ClickTraining, ClickData)
    assert str(ended.value) == said


def test_other_errors_stay_what_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        train, "TrainingCommand", lambda *_, **__: raised_by_a_process_that_prepares_views(RuntimeError("x"))
    )
    with pytest.raises(RuntimeError, match="x"):
        train.command(ClickTraining, ClickData)


def test_a_checkpoint_of_another_kind_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = tmp_path / "model.safetensors"
    other.write_bytes(b"no checkpoint")
    arguments = {"config": "training/configs/ccp_paper.yaml", "run": tmp_path / "run", "data.root": tmp_path}
    given = [text for name, value in {**arguments, "ckpt_path": other}.items() for text in (f"--{name}", str(value))]
    monkeypatch.setattr("sys.argv", ["train", "fit", *given])
    with pytest.raises(SystemExit, match=r"^train: ckpt_path: \S*model\.safetensors"):
        train.main()
    assert not (tmp_path / "run").exists()
