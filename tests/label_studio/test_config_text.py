"""Attributes are changed in a labelling config's text, and nothing else."""

from __future__ import annotations

import pytest

from ihp_backend.doctor.controls import read_controls
from ihp_backend.doctor.hotkeys import clashes, without_clashes
from ihp_backend.label_studio.config.config_text import set_attributes
from ihp_backend.label_studio.config.config_writer import labelling_config
from ihp_backend.labels import BENCHMARKS
from tests.doctor.conftest import CONFIG

PLAIN = """<!-- <BrushLabels smart="true"/> is no element -->
<View>
  <!-- neither is <Label/> -->
  <Header value="a > b"/>
  <BrushLabels name='part' toName="image" SMART="true"><Label value="hat"/>
    <Label value="hair"
      hotkey = "b" /></BrushLabels>
</View>"""


@pytest.mark.parametrize(
    ("number", "attributes", "old", "new"),
    [
        (2, {"smart": "false"}, 'SMART="true"', 'smart="false"'),
        (3, {"hotkey": "1"}, '<Label value="hat"/>', '<Label value="hat" hotkey="1"/>'),
        (4, {"hotkey": "2"}, 'hotkey = "b"', 'hotkey="2"'),
        (1, {"value": 'c < "d"'}, 'value="a > b"', "value='c &lt; \"d\"'"),
        (0, {"style": "x"}, "<View>", '<View style="x">'),
    ],
)
def test_only_what_is_meant(number: int, attributes: dict[str, str], old: str, new: str) -> None:
    assert set_attributes(PLAIN, {number: attributes}) == PLAIN.replace(old, new)


def test_nothing_to_do_changes_nothing() -> None:
    assert set_attributes(CONFIG, {}) == CONFIG


@pytest.mark.parametrize("text", ["<View", '<View Smart="true" smart="true"/>', '<View smart="true">&nothing;</View>'])
def test_a_text_that_cannot_be_changed_safely_is_left_alone(text: str) -> None:
    assert set_attributes(text, {0: {"smart": "false"}}) is None


@pytest.mark.parametrize("name", sorted(BENCHMARKS))
def test_the_configs_that_we_write_have_no_clashes(name: str) -> None:
    assert clashes(read_controls(labelling_config(BENCHMARKS[name]))) == []


def _bare(labels: int, tags: str = "KeyPointLabels BrushLabels") -> str:
    inside = "".join(f'<Label value="part {number}"/>' for number in range(labels))
    tools = "".join(f'<{tag} name="{tag}" toName="image">{inside}</{tag}>' for tag in tags.split())
    return f'<View><Image name="image" value="$image"/>{tools}</View>'


def test_keys_that_label_studio_gives_reach_the_tools() -> None:
    # Its 13th key is "e", which chooses the eraser.
    assert clashes(read_controls(_bare(6))) == []
    assert clashes(read_controls(_bare(7))) == ["'e' chooses a tool, and 'part 5' of BrushLabels"]


@pytest.mark.parametrize(
    "text",
    [
        _bare(24),
        _bare(9, "KeyPointLabels RectangleLabels BrushLabels"),
        CONFIG.replace('"t"', '"a"'),
        CONFIG.replace("ctrl+alt+shift+b", "b").replace("ctrl+alt+shift+c", "a"),
    ],
)
def test_mended_keys_do_not_clash(text: str) -> None:
    controls = read_controls(text)
    edits = without_clashes(controls)
    mended = set_attributes(text, edits)
    assert mended is not None
    assert clashes(read_controls(mended)) == []
    # Labels whose keys were in order keep them.
    clean = {label.number: label.key for control in read_controls(mended) for label in control.labels}
    for control in controls:
        for label in control.labels:
            assert label.number in edits or clean[label.number] == label.key
