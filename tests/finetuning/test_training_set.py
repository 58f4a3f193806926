"""A project's photographs in the labels that the network will know."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from ihp_backend.datasets import CcpDataset
from ihp_backend.finetuning.accepted_index import LEARNED, Index, Item
from ihp_backend.finetuning.base_data import Some, open_base
from ihp_backend.finetuning.training_set import CHOOSING, joined_labels, make_training_set
from ihp_backend.labels import CCP, LabelSet
from tests.parsing.toy_engine import LABELS, person, toy_checkpoint, toy_parser


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


class Accepted:
    """Photographs of somebody small, all drawn."""

    def __init__(self) -> None:
        self.image, self.truth = np.zeros((1600, 1200, 3), np.uint8), np.zeros((1600, 1200), np.uint8)
        person(self.image, self.truth, 700, 300, 300)

    def photograph(self, _: Item) -> np.ndarray:
        return self.image

    def label_map(self, _: Item) -> np.ndarray:
        return self.truth

    def unknown(self, _: Item) -> np.ndarray:
        return np.zeros(self.truth.shape, bool)


def test_somebody_small_is_learned_from_in_a_window_too() -> None:
    """Each photograph gives its overview and the window around its person; both go the same way."""
    items = tuple(
        Item(task, "s", "p", LEARNED, "m", (task,), None, None, None, 0.0, ()) for task in range(CHOOSING + 1)
    )
    parser, _ = toy_parser()
    made = make_training_set(cast(Any, Accepted()), Index(LABELS, items), parser, toy_checkpoint(), LABELS)
    assert len(made.learned) == 2 * CHOOSING
    assert [one.id for one in made.choosing] == ["of task 5", "of task 5, window 0"]
    overview, window = made.learned[:2]
    shares = [float(np.isin(one.parsing, (1, 2)).mean()) for one in (overview, window)]
    assert shares[1] > 6 * shares[0]
    assert window.image.shape[:2] == window.parsing.shape
    hair = window.image[window.parsing == 1]
    assert np.abs(np.median(hair, 0) - (200, 60, 30)).max() < 10
