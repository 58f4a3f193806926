from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ihp_backend.datasets import CcpDataset, WithoutLabels
from ihp_backend.labels import CCP, LabelSet


def test_the_others_keep_their_pixels_names_and_colours(ccp_tree: Path) -> None:
    whole = CcpDataset(ccp_tree, "train")
    gone = ("hair", "left arm", "bag")
    less = WithoutLabels(whole, gone)
    assert less.labels.names == tuple(name for name in CCP.names if name not in gone)
    assert (list(less.ids), len(less)) == (list(whole.ids), len(whole))
    for index in range(len(whole)):
        parsing = less[index].parsing
        np.testing.assert_array_equal(parsing, less.parsing(index))
        np.testing.assert_array_equal(less[index].image, whole[index].image)
        for label, name in enumerate(less.labels.names):
            np.testing.assert_array_equal(parsing == label, whole[index].parsing == CCP.id_of(name))
            assert less.labels.colours[label] == CCP.colours[CCP.id_of(name)]
        np.testing.assert_array_equal(parsing == 255, np.isin(whole[index].parsing, [CCP.id_of(name) for name in gone]))


def test_pairs_and_regions_lose_what_is_gone() -> None:
    labels = LabelSet(("none", "a", "b", "c", "d"), ((1, 2), (3, 4)), regions={"both": frozenset({1, 3})})
    less, table = labels.without({"a"})
    assert (less.flip_pairs, dict(less.regions)) == (((2, 3),), {"both": frozenset({2})})
    assert table == (0, 255, 1, 2, 3)


@pytest.mark.parametrize("name", ["none", "e"])
def test_names_that_cannot_be_left_out(name: str) -> None:
    with pytest.raises(ValueError, match=repr(name)):
        LabelSet(("none", "a")).without([name])
