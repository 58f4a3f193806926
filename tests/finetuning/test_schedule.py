from __future__ import annotations

from pathlib import Path

import pytest

from ihp_backend.finetuning.schedule import TrainedState, due
from ihp_backend.storage.documents import FolderDocuments
from ihp_backend.storage.storage_error import StorageError


@pytest.mark.parametrize(
    ("learned", "now", "wanted"),
    [
        (TrainedState(), TrainedState(), None),
        (TrainedState(), TrainedState({}, 3), None),
        (TrainedState(), TrainedState({1: "a", 2: "b"}), None),
        (TrainedState(), TrainedState({1: "a", 2: "b", 3: "c"}), "3 photographs new or changed"),
        (TrainedState({1: "a", 2: "b"}), TrainedState({1: "x", 2: "y", 3: "c"}), "3 photographs new or changed"),
        (TrainedState({1: "a", 2: "b", 3: "c"}), TrainedState({1: "a", 2: "b", 3: "c"}), None),
        (TrainedState({1: "a"}, 1), TrainedState({1: "a"}, 2), "asked for, 0 photographs new or changed"),
        (TrainedState({1: "a", 2: "b", 3: "c", 4: "d"}), TrainedState({1: "a"}), None),
    ],
)
def test_when_a_job_is_due(learned: TrainedState, now: TrainedState, wanted: str | None) -> None:
    assert due(learned, now, every=3) == wanted


def test_what_was_learned_is_kept(tmp_path: Path) -> None:
    file, texts = tmp_path / "learned.json", FolderDocuments(tmp_path)
    assert TrainedState.read(texts) == TrainedState()
    TrainedState({7: "a"}, 2).write(texts)
    assert TrainedState.read(texts) == TrainedState({7: "a"}, 2)
    file.write_text('{"stamps": []}')
    with pytest.raises(StorageError, match="remove it, and all is learned again"):
        TrainedState.read(texts)
