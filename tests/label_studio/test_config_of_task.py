"""A labelling config as the editor shows it for a task."""

from __future__ import annotations

from typing import Any

import pytest

from ihp_backend.label_studio.config.config_tags import ImageTag, MaskTarget
from ihp_backend.label_studio.config.labelling_config import LabellingConfig, parse_labelling_config
from ihp_backend.label_studio.config.over_tasks import over_tasks
from ihp_backend.label_studio.problems import RequestError

BRUSH = '<View><Image name="i" value="$i"/><BrushLabels name="b" toName="i" {}</BrushLabels></View>'
SHOTS = """<View><Repeater on="$shots" indexFlag="{{idx}}" %s><Image name="img_{{idx}}" value="$shots[{{idx}}].url"/>
<BrushLabels name="b_{{idx}}" toName="img_{{idx}}"><Label value="face"/></BrushLabels></Repeater></View>"""


def of_task(text: str, **data: Any) -> LabellingConfig:
    return parse_labelling_config(text).of_task(data)


def test_a_config_that_takes_nothing_from_tasks_is_the_same_for_all() -> None:
    config = parse_labelling_config(BRUSH.format('><Label value="a"/>'))
    assert config.from_task == ()
    assert config.of_task({"i": "/a.jpg"}) is config


def test_labels_of_the_task_come_after_those_of_the_config() -> None:
    parts = [{"value": "face", "alias": "F", "background": "#ff0000"}, {"value": "hair", "hotkey": "h"}]
    config = of_task(BRUSH.format('value="$meta.parts"><Label value="coat"/>'), meta={"parts": parts})
    assert config.labels == ("coat", "face", "hair")
    assert config.colours == {"face": (255, 0, 0)}
    assert config.mask_target("F") == MaskTarget("face", "F", "b", "i", "brushlabels")
    assert config.problems == ()


def test_a_label_with_a_variable_goes_by_both_names() -> None:
    config = of_task(BRUSH.format('><Label value="$first"/><Label value="my $first" alias="m"/>'), first="face")
    assert config.labels == ("face", "my face")
    assert config.label_of("$first") == config.label_of("face") == "face"
    assert [target.returned for target in config.targets] == ["$first", "m"]


def test_a_label_that_the_task_lacks_costs_only_itself() -> None:
    config = of_task(BRUSH.format('><Label value="$first"/><Label value="coat"/>'))
    assert config.labels == ("coat",)
    assert [one.field for one in config.problems] == ["data.first"]
    assert config.unusable is None


def test_a_label_written_as_text() -> None:
    assert parse_labelling_config(BRUSH.format("><Label>face</Label>")).labels == ("face",)


@pytest.mark.parametrize("mode", ["", 'mode="pagination"'])
def test_a_repeater_repeats_its_tags(mode: str) -> None:
    config = of_task(SHOTS % mode, shots=[{"url": "a"}, {"url": "b"}])
    assert config.images == (ImageTag("img_0", "$shots[0].url"), ImageTag("img_1", "$shots[1].url"))
    assert [(target.from_name, target.to_name) for target in config.targets] == [("b_0", "img_0"), ("b_1", "img_1")]
    assert config.labels == ("face",)


def test_a_repeater_without_a_flag_of_its_own_and_with_labels_of_each_entry() -> None:
    text = """<View><Repeater on="$shots"><Image name="i{{idx}}" value="$shots[{{idx}}].url"/>
    <View><BrushLabels name="b{{idx}}" toName="i{{idx}}" value="$shots[{{idx}}].parts"/></View></Repeater></View>"""
    shots = [{"url": "a", "parts": [{"value": "face"}]}, {"url": "b", "parts": [{"value": "hair"}]}]
    config = of_task(text, shots=shots)
    assert [(target.label, target.to_name) for target in config.targets] == [("face", "i0"), ("hair", "i1")]


def test_repeaters_inside_of_repeaters() -> None:
    text = """<View><Repeater on="$rows" indexFlag="{r}"><View><Repeater on="$rows[{r}].shots" indexFlag="{s}">
    <Image name="i_{r}_{s}" value="$rows[{r}].shots[{s}]"/></Repeater></View></Repeater></View>"""
    config = of_task(text, rows=[{"shots": ["a", "b"]}, {"shots": ["c"]}])
    assert [image.name for image in config.images] == ["i_0_0", "i_0_1", "i_1_0"]
    assert config.images[2].value == "$rows[1].shots[0]"


def test_only_the_first_flag_of_an_attribute_is_replaced_but_two_in_the_own_children() -> None:
    # So does the editor, which numbers its own children once more.
    text = """<View><Repeater on="$l"><Image name="{{idx}}{{idx}}{{idx}}" value="x"/>
    <View><Image name="{{idx}}{{idx}}" value="x"/></View></Repeater></View>"""
    assert [image.name for image in of_task(text, l=[0]).images] == ["00{{idx}}", "0{{idx}}"]


@pytest.mark.parametrize(
    ("text", "data"),
    [
        (SHOTS % "", {"shots": [{}] * 10_000}),
        ('<View><Repeater on="$l"/></View>', {"l": [0] * 1_000_000}),
        ('<Repeater on="$l">' * 3 + "<View/>" + "</Repeater>" * 3, {"l": [0] * 999}),
        (f'<View><Repeater on="$l">{"<View>" * 5000}{"</View>" * 5000}</Repeater></View>', {"l": [0]}),
        (BRUSH.format('value="$l">'), {"l": [{"value": "a"}] * 256}),
        (f'<Repeater on="$l"><Repeater on="$none">{"<a/>" * 9999}</Repeater></Repeater>', {"l": [0] * 9000}),
    ],
)  # fmt: skip
def test_too_much_is_refused(text: str, data: dict[str, Any]) -> None:
    with pytest.raises(RequestError, match=r"at most|nested too deeply"):
        of_task(text, **data)


def test_labels_of_all_tasks_keep_their_order() -> None:
    config = parse_labelling_config(BRUSH.format('value="$l"><Label value="coat"/>'))
    tasks = [{"l": [{"value": name}]} for name in ("face", "hair", "face")]
    assert over_tasks(config, tasks).labels == ("coat", "face", "hair")
    more = [{"l": [{"value": "arm"}]}, *tasks, {"l": [{"value": "a"}] * 999}]
    assert over_tasks(config, more, known=("coat", "face", "hair")).labels == ("coat", "face", "hair", "arm")
