from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihp_backend.label_studio.config.config_tags import MaskTarget, PromptTag
from ihp_backend.label_studio.config.labelling_config import parse_labelling_config
from ihp_backend.label_studio.problems import RequestError

EXAMPLES = Path(__file__).parents[2] / "examples" / "labelling_configs"
LABELS = '<Label value="Hat" background="#ff0000"/><Label value="Trousers" alias="p"/><Label value="BG"/>'


def test_brush_labels() -> None:
    config = parse_labelling_config(
        f"""<View><Image name="img" value="$photo"/><!-- a comment -->
        <KeyPointLabels name="k" toName="img" smart="true">{LABELS}</KeyPointLabels>
        <View style="display:none"><BrushLabels name="b" toName="img">{LABELS}</BrushLabels></View></View>"""
    )
    assert [(image.name, image.data_key) for image in config.images] == [("img", "photo")]
    assert config.prompts == (PromptTag("k", "img", "keypointlabels"),)
    assert config.mask_target("Hat") == MaskTarget("Hat", "Hat", "b", "img", "brushlabels")
    assert config.mask_target("p") == config.mask_target("Trousers") == config.targets[1]
    assert config.targets[1].returned == "p"
    assert config.mask_target("Hat", "other image") is None
    assert config.mask_target("Wings") is None
    assert (config.label_of("p"), config.label_of("Trousers"), config.label_of("Wings")) == (
        "Trousers",
        "Trousers",
        None,
    )


def test_the_background_comes_first_and_colours_are_taken_over() -> None:
    config = parse_labelling_config(
        f'<View><Image name="i" value="$i"/><BrushLabels name="b" toName="i">{LABELS}</BrushLabels></View>'
    )
    labels = config.label_set()
    assert labels.names == ("BG", "Hat", "Trousers")
    assert labels.colours[1] == (255, 0, 0)


def test_a_config_without_background_gets_one() -> None:
    config = parse_labelling_config(
        """<View><Image name="i" value="$i"/><BrushLabels name="b" toName="i">
        <Label value="Left arm" background="no colour"/><Label value="right-arm"/></BrushLabels></View>"""
    )
    assert config.label_set().names == ("background", "Left arm", "right-arm")
    assert config.label_set().flip_pairs == ((1, 2),)


def test_separate_tags() -> None:
    config = parse_labelling_config(
        f"""<View><Image name="i" value="$i"/><KeyPoint name="k" toName="i"/><Rectangle name="r" toName="i"/>
        <Labels name="l" toName="i">{LABELS}</Labels><Brush name="b" toName="i"/></View>"""
    )
    assert config.mask_target("p") == MaskTarget("Trousers", "p", "b", "i", "brush", labels_from_name="l")
    assert [prompt.type for prompt in config.prompts] == ["keypoint", "rectangle"]


BRUSH = f'<BrushLabels name="b" toName="i">{LABELS}</BrushLabels>'
BITMASK = f'<BitmaskLabels name="m" toName="i">{LABELS}</BitmaskLabels>'
POLYGON = f'<PolygonLabels name="p" toName="i">{LABELS}</PolygonLabels>'
SEPARATE = f'<Labels name="l" toName="i">{LABELS}</Labels>'


@pytest.mark.parametrize(
    ("tags", "kind", "from_name"),
    [
        (BITMASK, "bitmasklabels", "m"),
        (BITMASK.replace('"m"', '"m" smart="false"').lower(), "bitmasklabels", "m"),
        (f'<Bitmask name="s" toName="i"/>{SEPARATE}', "bitmask", "s"),
        (POLYGON + BITMASK + BRUSH, "brushlabels", "b"),
        (f'{BITMASK}{SEPARATE}<Brush name="s" toName="i"/>', "brush", "s"),
        (POLYGON + BITMASK, "bitmasklabels", "m"),
        (f'{POLYGON}<Bitmask name="s" toName="i"/>{SEPARATE}', "bitmask", "s"),
    ],
)
def test_of_several_that_take_a_label_the_one_that_keeps_most_of_a_mask(tags: str, kind: str, from_name: str) -> None:
    config = parse_labelling_config(f'<View><Image name="i" value="$i"/>{tags}</View>')
    labels = [label.lower() if "Hat" not in config.labels else label for label in ("Hat", "Trousers", "BG")]
    assert list(config.labels) == labels
    for label in labels:
        target = config.mask_target(label)
        assert target is not None
        assert (target.type, target.from_name, target.to_name) == (kind, from_name, "i")
    assert config.label_of("p") == labels[1]


def test_several_images_and_controls() -> None:
    config = parse_labelling_config(
        f"""<View><Image name="i" value="$i"/><Image name="j" value="https://a.example/j.jpg"/>
        <BrushLabels name="b" toName="i">{LABELS}</BrushLabels>
        <BrushLabels name="c" toName="j"><Label value="Hat"/></BrushLabels>
        <BrushLabels name="nowhere" toName="text"><Label value="Hat"/></BrushLabels></View>"""
    )
    first, second = config.mask_target("Hat", "i"), config.mask_target("Hat", "j")
    assert first is not None
    assert second is not None
    assert (first.from_name, second.from_name) == ("b", "c")
    assert config.mask_target("Trousers", "j") is None
    assert config.images[1].data_key is None
    assert len(config.labels) == 3


def test_any_case_of_tags_and_attributes() -> None:
    config = parse_labelling_config(
        '<view><image name="i" VALUE="$i"/><brushlabels name="b" toname="i"><label value="Hat"/></brushlabels></view>'
    )
    assert config.mask_target("Hat") is not None


@pytest.mark.parametrize("text", [None, "", " \n", "<View/>", "<View><Text name='t' value='$t'/></View>"])
def test_empty_and_foreign_configs(text: str | None) -> None:
    config = parse_labelling_config(text)
    assert (config.images, config.targets, config.label_set().names) == ((), (), ("background",))


@pytest.mark.parametrize("text", ["<View", "plain words", "<a></b>", "\x00", "\ud800", "<View>&lol;</View>"])
def test_broken_configs(text: str) -> None:
    with pytest.raises(RequestError, match="label_config"):
        parse_labelling_config(text)


def test_entities_are_refused() -> None:
    bomb = '<!DOCTYPE v [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><View>&b;</View>'
    with pytest.raises(RequestError, match="remove the document type declaration"):
        parse_labelling_config(bomb)


def test_more_labels_than_a_label_map_can_hold() -> None:
    labels = "".join(f'<Label value="part {number}"/>' for number in range(300))
    config = parse_labelling_config(
        f'<View><Image name="i" value="$i"/><BrushLabels name="b" toName="i">{labels}</BrushLabels></View>'
    )
    with pytest.raises(ValueError, match="a label set holds 1 to 255"):
        config.label_set()


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.xml")), ids=lambda path: path.name)
def test_every_example_returns_all_it_asks_for(path: Path) -> None:
    config = parse_labelling_config(path.read_text())
    assert config.prompts
    assert [label for label in config.labels if config.mask_target(label) is None] == []


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(RequestError):
        assert parse_labelling_config(text).label_set().names[0]
