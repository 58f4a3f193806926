"""Which labels a live network is asked for, and what becomes of those that the annotation does not have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ihp_backend.clicks import Click
from ihp_backend.labels import LabelSet
from ihp_backend.parsing.any_labels import AnyLabels
from ihp_backend.parsing.arrays import PlaceArray, as_they_are
from ihp_backend.parsing.engines.base import DecoderInputs, Encoded, LiveEngine

KNOWN = LabelSet(("background", "upper clothes", "coat", "hat"))


class PriorEngine(LiveEngine):
    """Knows that there is a coat in the left half, if it is asked for one, and upper clothes otherwise."""

    def encode(self, image: NDArray[np.uint8], place: PlaceArray = as_they_are) -> Encoded:
        raise NotImplementedError

    def looks(self, features: Any, places: NDArray[np.int64]) -> NDArray[np.float32]:
        raise NotImplementedError

    def decode(self, features: Any, inputs: DecoderInputs) -> NDArray[np.float32]:
        logits = np.zeros((len(inputs.known), 4, 8), np.float32)
        logits[inputs.known[:, 1] > 0] = 2
        logits[(inputs.known[:, 2] > 0) & (inputs.known[:, 0] == 0), :, :4] = 4
        return logits


def answered(
    *names: str,
    strongest: tuple[float, ...] = (1, 1, 1, 0),
    known_ids: Mapping[str, Sequence[int]] | None = None,
    clicked: Sequence[int] = (1,),
    drawn: int = 255,
) -> NDArray[np.uint8]:
    """The label of each cell after clicks on the first of the names, or on others; one label may be drawn."""
    features = Encoded(
        None,
        np.zeros((4, 8, 16, 9), np.float32),
        np.array(strongest, np.float32),
        np.zeros((4, 8), np.float32),
        np.zeros((4, 8), np.uint8),
    )
    network = AnyLabels(PriorEngine(), KNOWN, LabelSet(("background", *names)), known_ids)
    previous = np.full((16, 32), drawn, np.uint8)
    previous[:, :-4] = 255
    answer = network.ask(features, [Click(30, 8, label) for label in clicked], previous)
    assert set(answer.labels.tolist()) <= set(range(len(names) + 1))
    return answer.labels[answer.best]


def test_known_labels_that_nobody_asked_for_compete_and_become_background() -> None:
    found = answered("upper clothes")
    assert (found[:, :4] == 0).all()
    assert (found[:, 4:] == 1).all()


def test_they_do_not_where_they_are_asked_for() -> None:
    np.testing.assert_array_equal(answered("upper clothes", "coat")[0], [2] * 4 + [1] * 4)


@pytest.mark.parametrize("unknown", ["wings", "tattoo"])
def test_they_do_not_beside_a_label_that_is_not_known_and_stands_in_the_photograph(unknown: str) -> None:
    np.testing.assert_array_equal(answered("upper clothes", unknown), answered("upper clothes"))
    assert (answered("upper clothes", unknown, clicked=(1, 2))[:, :4] == 1).all()
    assert (answered("upper clothes", unknown, drawn=2)[:, :4] == 1).all()


def test_rows_of_rivals_fit_into_a_byte() -> None:
    assert answered("upper clothes", *(f"label {number}" for number in range(253))).max() <= 254


def test_they_do_not_where_none_is_likely() -> None:
    assert (answered("upper clothes", strongest=(1, 1, 0.4, 0)) == 1).all()


def test_several_known_labels_become_one() -> None:
    found = answered("top", "hat", known_ids={"top": (1, 2), "hat": (3,)})
    assert (found == 1).all()


def test_what_is_said_to_be_background_competes_beside_a_label_that_is_not_known_too() -> None:
    ids = {"background": (0, 2), "upper clothes": (1,)}
    found = answered("upper clothes", "tattoo", known_ids=ids, clicked=(1, 2))
    np.testing.assert_array_equal(found[0], [0] * 4 + [1] * 4)


def test_a_person_is_all_that_is_known() -> None:
    assert (answered("person") == 1).all()
