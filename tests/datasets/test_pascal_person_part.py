"""Both orders of ids, told by geometry or given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ihp_backend.datasets import PascalPersonPartDataset
from ihp_backend.labels import PASCAL_PERSON_PART, PASCAL_PERSON_PART_M2FP, LabelSet

from .trees import striped, write_mask, write_pairs

STANDING = ("head", "torso", "upper arms", "lower arms", "upper legs", "lower legs")


def tree(root: Path, labels: LabelSet) -> Path:
    """Six standing people, one who stands on the hands, one without a head and one photograph of nobody."""
    people: dict[str, tuple[str, ...]] = {f"standing{number}": STANDING for number in range(6)}
    people |= {"handstand": STANDING[::-1], "headless": STANDING[1:]}
    drawn = {name: striped([labels.id_of(part) for part in parts]) for name, parts in people.items()}
    drawn["nobody"] = np.zeros((48, 32), np.uint8)
    return write_pairs(root, "Training/Images/{id}.jpg", "Training/Category_ids/{id}.png", drawn)


@pytest.mark.parametrize(("labels", "order"), [(PASCAL_PERSON_PART, "deeplab"), (PASCAL_PERSON_PART_M2FP, "m2fp")])
def test_is_told_by_where_the_head_is(labels: LabelSet, order: str, tmp_path: Path) -> None:
    dataset = PascalPersonPartDataset(tree(tmp_path, labels), "train")
    assert dataset.order == order
    assert dataset.labels is PASCAL_PERSON_PART
    wanted = striped([PASCAL_PERSON_PART.id_of(part) for part in STANDING])
    np.testing.assert_array_equal(dataset[dataset.ids.index("standing3")].parsing, wanted)


def test_may_be_given(tmp_path: Path) -> None:
    root = tree(tmp_path, PASCAL_PERSON_PART)
    dataset = PascalPersonPartDataset(root, "train", order="m2fp")
    standing = dataset[dataset.ids.index("standing0")].parsing
    # Read in the wrong order, the topmost id 1 means lower arms.
    assert PASCAL_PERSON_PART.names[standing[5, 16]] == "lower arms"
    assert standing[-1, -1] == 255
    with pytest.raises(ValueError, match=r"order: 'm2pf' is unknown; choose one of deeplab, m2fp"):
        PascalPersonPartDataset(root, "train", order="m2pf")  # type: ignore[arg-type]


def test_does_not_guess(tmp_path: Path) -> None:
    root = write_pairs(
        tmp_path, "Training/Images/{id}.jpg", "Training/Category_ids/{id}.png", {"a": striped((4, 1, 2, 3))}
    )
    with pytest.raises(
        ValueError, match=r"order: on average id 4 lies highest, but the head has id 1 \(deeplab\) or 2"
    ):
        PascalPersonPartDataset(root, "train")
    write_mask(root / "Training/Category_ids/a.png", np.zeros((48, 32), np.uint8))
    with pytest.raises(ValueError, match=r"order: no part in the masks beside .*a\.png"):
        PascalPersonPartDataset(root, "train")
