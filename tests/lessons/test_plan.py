from __future__ import annotations

from pathlib import Path

import pytest

from ihp_backend.lessons.plan import Learned, due
from ihp_backend.retraining import StorageError


@pytest.mark.parametrize(
    ("learned", "now", "wanted"),
    [
        (Learned(), Learned(), None),
        (Learned(), Learned({}, 3), None),
        (Learned(), Learned({1: "a", 2: "b"}), None),
        (Learned(), Learned({1: "a", 2: "b", 3: "c"}), "3 photographs new or changed"),
        (Learned({1: "a", 2: "b"}), Learned({1: "x", 2: "y", 3: "c"}), "3 photographs new or changed"),
        (Learned({1: "a", 2: "b", 3: "c"}), Learned({1: "a", 2: "b", 3: "c"}), None),
        (Learned({1: "a"}, 1), Learned({1: "a"}, 2), "asked for, 0 photographs new or changed"),
        (Learned({1: "a", 2: "b", 3: "c", 4: "d"}), Learned({1: "a"}), None),
    ],
)
def test_when_a_lesson_is_due(learned: Learned, now: Learned, wanted: str | None) -> None:
    assert due(learned, now, every=3) == wanted


def test_what_was_learned_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "learned.json"
    assert Learned.read(file) == Learned()
    Learned({7: "a"}, 2).write(file)
    assert Learned.read(file) == Learned({7: "a"}, 2)
    file.write_text('{"stamps": []}')
    with pytest.raises(StorageError, match="remove it, and all is learned again"):
        Learned.read(file)
