from __future__ import annotations

import numpy as np
import pytest

from ihp_backend.label_studio.config.labelling_config import LabellingConfig, parse_labelling_config
from ihp_backend.label_studio.config.translation import translate
from ihp_backend.label_studio.problems import RequestError
from ihp_backend.labels import CCP


def config(labels: str) -> LabellingConfig:
    return parse_labelling_config(
        f'<View><Image name="i" value="$i"/><BrushLabels name="b" toName="i">{labels}</BrushLabels></View>'
    )


def test_labels_are_translated_there_and_back() -> None:
    found = translate(config('<Label value="Trousers"/><Label value="Wings"/><Label value="Hat"/>'), CCP)
    assert found.labels.names == ("background", "Trousers", "Wings", "Hat")
    assert found.mapping.ids == {"background": (0,), "Trousers": (9,), "Hat": (1,)}
    assert set(found.mapping.unknown) == {"Wings"}
    assert found.from_model[np.array([0, 1, 9, 13])].tolist() == [0, 3, 1, 0]
    assert CCP.id_of("face") in found.mapping.background


def test_an_alias_helps_where_the_value_does_not() -> None:
    found = translate(config('<Label value="Gesicht" alias="face"/><Label value="Hut" alias="cls1"/>'), CCP)
    assert found.mapping.ids["Gesicht"] == (13,)
    assert set(found.mapping.unknown) == {"Hut"}


def test_what_the_model_lacks() -> None:
    found = translate(config('<Label value="Wings"/><Label value="Hat"/>'), CCP)
    assert found.lacking(("Hat",), CCP) is None
    lacking = found.lacking(("Hat", "Wings"), CCP)
    assert lacking is not None
    assert (lacking.field, lacking.value) == ("label_config", "Wings")
    assert "it knows background, hat" in lacking.remedy


def test_too_many_labels() -> None:
    with pytest.raises(RequestError, match="300 labels"):
        translate(config("".join(f'<Label value="part {number}"/>' for number in range(300))), CCP)


def test_of_two_spellings_of_one_label_the_first_gets_its_pixels() -> None:
    found = translate(config('<Label value="LeftArm"/><Label value="left-arm"/>'), CCP)
    assert found.mapping.ids == {"background": (0,), "LeftArm": (14,), "left-arm": (14,)}
    assert found.labels.names[found.from_model[14]] == "LeftArm"


def test_a_model_for_any_labels_lacks_none_and_speaks_the_configs_ids() -> None:
    found = translate(config('<Label value="Wings"/><Label value="Hat"/>'), CCP, any_labels=True)
    assert found.spoken_ids == {"background": 0, "Wings": 1, "Hat": 2}
    assert found.mapping.ids == {"background": (0,), "Hat": (1,)}
    assert found.lacking(("Hat", "Wings"), CCP) is None
    label_map = np.array([[0, 1, 2]], np.uint8)
    np.testing.assert_array_equal(found.from_spoken(label_map), label_map)


def test_several_labels_of_the_model_become_one() -> None:
    found = translate(config('<Label value="shoes"/><Label value="top" predicted_values="coat, Upper-Clothes"/>'), CCP)
    assert found.from_model[np.array([5, 7, 18, 19, 1])].tolist() == [2, 2, 1, 1, 0]
    assert found.spoken_ids == {"background": 0, "shoes": 18, "top": 7}
    told = found.told(CCP)
    assert told["matched"] == {
        "background": ["background"],
        "shoes": ["left shoe", "right shoe"],
        "top": ["coat", "upper clothes"],
    }
    assert told["origins"] == {"background": "name", "shoes": "parts", "top": "predicted_values"}
    assert list(found.problems(CCP)) == []


def test_predicted_values_that_the_model_lacks_are_a_problem() -> None:
    found = translate(config('<Label value="top" predicted_values="coat, aeroplane"/>'), CCP, any_labels=True)
    (wrong,) = found.problems(CCP)
    assert (wrong.field, wrong.value) == ("label_config", "aeroplane")
    assert "predicted_values of the label 'top'" in wrong.remedy
    assert found.told(CCP)["not_found"] == {"top": ["aeroplane"]}
