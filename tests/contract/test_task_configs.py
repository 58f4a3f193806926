"""Labelling configs that take labels, addresses or whole tags from the task, in the real editor."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from examples.demo.settings import PHOTOGRAPHS

from .editor import Editor
from .installation import FACE, Installation, new_project

pytestmark = pytest.mark.label_studio

PHOTOGRAPH = "data:image/jpeg;base64," + base64.b64encode((PHOTOGRAPHS / "grace_hopper.jpg").read_bytes()).decode()
TAGS = """<Image name="image{n}" value="{image}"/>
<KeyPointLabels name="click{n}" toName="image{n}" smart="true" smartOnly="true" {labels}</KeyPointLabels>
<BrushLabels name="part{n}" toName="image{n}" smart="false" {labels}</BrushLabels>"""


def config(image: str = "$image", labels: str = '><Label value="face"/>', repeater: str = "", n: str = "") -> str:
    return f"<View>{repeater}{TAGS.format(image=image, labels=labels, n=n)}{'</Repeater>' if repeater else ''}</View>"


REPEATED = config("$shots[{{idx}}].url", repeater='<Repeater on="$shots" mode="%s">', n="_{{idx}}")
SHOTS = {"shots": [{"url": PHOTOGRAPH}, {"url": PHOTOGRAPH}]}


@pytest.mark.parametrize(
    ("text", "data", "from_name", "named"),
    [
        (config(labels='value="$parts">'), {"image": PHOTOGRAPH, "parts": [{"value": "face"}]}, "part", "face"),
        # The editor shows what the task says, and sends and finds labels by what the config says.
        (config(labels='><Label value="$first"/>'), {"image": PHOTOGRAPH, "first": "face"}, "part", "$first"),
        (config("$meta.images[0]"), {"meta": {"images": [PHOTOGRAPH]}}, "part", "face"),
        (config("data:image/jpeg;base64,$picture"), {"picture": PHOTOGRAPH.partition(",")[2]}, "part", "face"),
        (REPEATED % "list", SHOTS, "part_0", "face"),
        (REPEATED % "pagination", SHOTS, "part_0", "face"),
    ],
    ids=["labels of the task", "a label's variable", "nested", "template", "repeater", "pages of a repeater"],
)
def test_a_click_is_answered_accepted_and_submitted(
    page: Page, installation: Installation, text: str, data: dict[str, Any], from_name: str, named: str
) -> None:
    project = new_project(installation, list[Path](), label_config=text)
    task = project.client.post("/api/tasks/", {"project": project.id, "data": data})["id"]
    editor = Editor(page, installation.client.url)
    editor.open(project.id, task)
    editor.switch_on_clicks()
    editor.click("1", *FACE[1:], wanted={named})
    editor.accept()
    editor.submit()
    (annotation,) = project.client.annotations(task)
    (region,) = [one for one in annotation["result"] if one["type"] == "brushlabels"]
    assert (region["from_name"], region["value"]["brushlabels"]) == (from_name, [named])
