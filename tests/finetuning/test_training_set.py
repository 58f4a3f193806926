"""A project's photographs in the labels that the network will know."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ihp_backend.datasets import CcpDataset
from ihp_backend.finetuning.base_data import Some, open_base
from ihp_backend.finetuning.training_set import joined_labels
from ihp_backend.labels import CCP, LabelSet


def test_known_labels_keep_their_place_and_new_ones_follow() -> None:
    project = LabelSet(("background", "Badge", "Hair", "left glove", "right glove"))
    known = LabelSet(("background", "hair", "left arm", "right arm"), flip_pairs=((2, 3),))
    labels, ids = joined_labels(known, project)
    assert labels.names == ("background", "hair", "left arm", "right arm", "Badge", "left glove", "right glove")
    assert labels.flip_pairs == ((2, 3), (5, 6))
    assert ids[:5].tolist() == [0, 4, 1, 5, 6]
    assert set(ids[5:].tolist()) == {255}


def test_too_many_labels_are_refused() -> None:
    known = LabelSet(tuple(f"known {number}" for number in range(200)))
    project = LabelSet(("background", *(f"own {number}" for number in range(100))))
    with pytest.raises(ValueError, match="1 to 255"):
        joined_labels(known, project)


def test_some_photographs_of_a_data_set(ccp_tree: Path) -> None:
    whole = CcpDataset(ccp_tree, "train")
    some = Some(whole, 2)
    assert list(some.ids) == [whole.ids[0], whole.ids[-1]]
    np.testing.assert_array_equal(some[1].image, whole[len(whole) - 1].image)
    np.testing.assert_array_equal(some.parsing(1), whole.parsing(len(whole) - 1))
    assert len(Some(whole, 1000)) == len(whole)
    base = open_base(f"ccp:{ccp_tree}")
    assert base is not None
    assert base.judged.labels == base.replayed.labels == CCP
    assert not set(base.judged.ids) & set(base.replayed.ids)
