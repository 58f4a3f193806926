"""The labelling configs in examples/ are taken by the real Label Studio."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples.demo.client import ApiError
from examples.demo.settings import LABELLING_CONFIG
from ihp_backend.label_studio.config.labelling_config import parse_labelling_config

from .installation import Installation

pytestmark = pytest.mark.label_studio

FILES = sorted(LABELLING_CONFIG.parent.glob("*.xml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_label_studio_reads_the_labels_that_we_read(installation: Installation, file: Path) -> None:
    config = parse_labelling_config(file.read_text())
    project = installation.client.create_project(f"Config {file.stem}", file.read_text())
    told = installation.client.get(f"/api/projects/{project['id']}/")["parsed_label_config"]
    assert told["click"]["labels"] == list(config.labels)
    assert set(told["part"]["labels"]) == {target.label for target in config.targets}
    assert [tag["value"] for tag in told["part"]["inputs"]] == [image.data_key for image in config.images]


def test_label_studio_refuses_what_is_no_config(installation: Installation) -> None:
    with pytest.raises(ApiError, match="400"):
        installation.client.create_project("Config broken", '<View><BrushLabels name="b" toName="nothing"/></View>')
