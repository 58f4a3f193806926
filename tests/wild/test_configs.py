"""Labelling configs, task data, prompts: a ``RequestError`` that names the field, and nothing else."""

from __future__ import annotations

import json
import math
from random import Random
from typing import Any

import pytest

from ihp_backend.label_studio.clicks.prompt_records import read_request
from ihp_backend.label_studio.config.labelling_config import LabellingConfig, parse_labelling_config
from ihp_backend.label_studio.config.pages import addresses
from ihp_backend.label_studio.config.translation import translate
from ihp_backend.label_studio.problems import RequestError
from ihp_backend.labels import CCP
from tests.server.wild_bodies import mutated, wild_value

from .inputs import CHANCES, bounded, damaged, real_bodies, real_configs, real_records, wild

PIECES = (
    *('<Label value="Face"/>', '<Label value="$a"/>', '<Label value="Hat" alias="h" background="#zzz"/>', "<Label/>"),
    *('<Image name="image" value="$image"/>', '<Image name="i{{idx}}" valueList="$a[{{idx}}]"/>', "<Image/>"),
    *('<BrushLabels name="b" toName="image,i0" value="$a">', "</BrushLabels>", '<Brush name="b" toName="image"/>'),
    *('<Repeater on="$a">', '<Repeater on="" indexFlag="">', "</Repeater>", "<View>", "</View>", "<!DOCTYPE x>"),
    *('<KeyPointLabels name="k" toName="image" smart="true">', "</KeyPointLabels>", "<![CDATA[", "]]>", "<!--", "-->"),
    *("&amp;", "&lol;", "&#0;", "&#xD800;", "\0", "\ud800", "<?xml encoding='utf-7'?>", ' predicted_values="Hair,,$a"'),
)
DATA = {
    "image": "/data/upload/1/a.jpg",
    "a": [{"value": "face", "alias": "f", "background": "red"}, {"url": "b.jpg", "parts": [{"value": "hair"}]}],
    "meta": {"image": ["c.jpg"], "n": 4.0},
}
FROM_TASK = """<View><Repeater on="$a"><Image name="i{{idx}}" valueList="$a[{{idx}}].url"/>
<BrushLabels name="b{{idx}}" toName="i{{idx}}" value="$a[{{idx}}].parts"><Label value="$image"/></BrushLabels>
</Repeater><Image name="image" value="https://host/$meta.n/$image"/>
<BrushLabels name="b" toName="image" value="$a"/></View>"""


def read(text: Any, data: Any) -> None:
    """All that is done with a labelling config."""
    try:
        config = parse_labelling_config(text)
        for one in (config, config.of_task(data)):
            for any_labels in (False, True):
                translation = translate(one, CCP, any_labels=any_labels)
                json.dumps(translation.told(CCP))
                list(translation.problems(CCP))
            for image in one.images:
                assert all(isinstance(each, str) for each in addresses({"data": data}, image))
    except RequestError as error:
        if not (error.problem.field and error.problem.remedy):
            raise


@wild("labelling configs", CHANCES)
def test_labelling_configs(chance: Random) -> None:
    text = chance.choice(real_configs())
    how = chance.random()
    if how < 0.4:
        text = damaged(text.encode(), chance).decode("utf-8", chance.choice(["replace", "surrogateescape"]))
    else:
        for _ in range(chance.choice([1, 2, 5])):
            at, until = sorted(chance.choices(range(len(text) + 1), k=2))
            until = until if chance.random() < 0.2 else at
            text = text[:at] + "".join(chance.choices(PIECES, k=chance.choice([1, 1, 4]))) + text[until:]
    read(text, DATA)


@wild("task data", CHANCES)
def test_task_data(chance: Random) -> None:
    read(FROM_TASK, mutated(DATA, chance) if chance.random() < 0.8 else wild_value(chance))


@pytest.mark.parametrize(
    "text",
    [
        "<View>" * 170_000,
        "<View>" * 70_000 + "</View>" * 70_000,
        "<View " + " ".join(f'a{number}=""' for number in range(80_000)) + "/>",
        f'<View><Image name="image" value="{"$a" * 400_000}"/></View>',
        f'<View><Image name="image" value="$a{"[0]" * 300_000}"/></View>',
        f'<!DOCTYPE l [<!ENTITY a "{"x" * 1000}"><!ENTITY b "{"&a;" * 1000}">]><View>{"&b;" * 1000}</View>',
        '<View><Repeater on="$a">' * 200 + "</Repeater></View>" * 200,
        '<View><Image name="image" value="$image"/><BrushLabels name="b" toName="' + "image," * 100_000 + '"/></View>',
        '<View><Image name="image" value="$image"/><BrushLabels name="b" toName="image">'
        + "".join(f'<Label value="{number}"/>' for number in range(30_000))
        + "</BrushLabels></View>",
        *('<View><Image name="i" value="$x"/><BrushLabels name="b" toName="i">'
          f'<Label value="{name}"/></BrushLabels></View>'
          for name in ("left " * 100_000, "a-" * 200_000, "aB" * 200_000, "\ufdfa" * 50_000, "(" * 200_000)),
    ],
    ids=range(14),
)  # fmt: skip
def test_configs_as_large_as_they_may_be(text: str) -> None:
    with bounded():
        read(text[: 1 << 20], DATA)


@wild("prompts", CHANCES)
def test_prompts(chance: Random) -> None:
    config = LabellingConfig(labels=("Face", "Hat"), aliases={"f": "Face"})
    requests = [
        one["params"]["context"] for one in real_bodies()["/predict"] if (one.get("params") or {}).get("context")
    ]
    records = mutated(chance.choice(requests)["result"] or real_records()[:3], chance)
    if not isinstance(records, list):
        records = [records, wild_value(chance)]
    read = read_request(records, config, {"x": True})
    for prompt in read.prompts:
        assert prompt.label in config.labels
        assert math.isfinite(prompt.x)
        click = prompt.to_click(1, 60, 80)
        assert (0 <= click.x < 80, 0 <= click.y < 60) == (True, True)
        if prompt.box is not None:
            assert prompt.box.mask(60, 80).shape == (60, 80)
