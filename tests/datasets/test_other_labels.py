from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ihp_backend.datasets import CcpDataset, in_labels_of_project, without_labels
from ihp_backend.labels import CCP, LabelSet


def test_the_others_keep_their_pixels_names_and_colours(ccp_tree: Path) -> None:
    whole = CcpDataset(ccp_tree, "train")
    gone = ("hair", "left arm", "bag")
    less = without_labels(whole, gone)
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


def test_a_project_sees_its_labels_and_background(ccp_tree: Path) -> None:
    whole = CcpDataset(ccp_tree, "train")
    project = in_labels_of_project(whole, ["Shoes", "hair", "person"])
    assert project.labels.names == ("background", "Shoes", "hair", "person")
    for index in range(len(whole)):
        drawn, found = whole[index].parsing, project[index].parsing
        shoes = np.isin(drawn, [CCP.id_of("left shoe"), CCP.id_of("right shoe")])
        np.testing.assert_array_equal(found == 1, shoes)
        np.testing.assert_array_equal(found == 2, drawn == CCP.id_of("hair"))
        np.testing.assert_array_equal(found == 0, drawn == 0)
        np.testing.assert_array_equal(found == 255, drawn == 255)
    alone = in_labels_of_project(whole, ["hair"])
    assert set(np.unique(alone.parsing(0))) <= {0, 1, 255}


def test_a_label_that_the_data_set_cannot_show_is_an_error(ccp_tree: Path) -> None:
    with pytest.raises(ValueError, match=r"labels: the data set has no 'tattoo'; it has background, hat"):
        in_labels_of_project(CcpDataset(ccp_tree, "train"), ["hair", "tattoo"])
