"""What is written agrees with what a pre-annotation of the same photograph has, in every form of masks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

from ihp_backend.batch_parsing.named_photographs import find_photographs
from ihp_backend.batch_parsing.parse_photographs import parse_photographs
from ihp_backend.batch_parsing.photograph_parser import PhotographParser
from ihp_backend.batch_parsing.results_folder import KINDS, ResultsFolder, address
from ihp_backend.datasets import open_dataset
from ihp_backend.exporting.model_folder import write_model_folder
from ihp_backend.label_studio.config.config_writer import labelling_config
from ihp_backend.label_studio.masks.mask_regions import mask_regions
from ihp_backend.label_studio.predict.model_cache import OneModel
from ihp_backend.label_studio.predict.prediction_request import PredictionRequest
from ihp_backend.label_studio.predict.predictions import Predictions
from ihp_backend.label_studio.problems import RequestError
from ihp_backend.label_studio.web.local_files import read_local_file
from ihp_backend.labels import CCP, LabelSet
from ihp_backend.networks import build_network
from ihp_backend.parsing import Parser
from tests.server.stand_in import StandInParser

PHOTOGRAPHS = Path(__file__).parents[2] / "examples" / "photographs"
NAMES = ("eileen_collins.jpg", "grace_hopper.jpg")
COAT = '<BrushLabels name="b" toName="i"><Label value="coat"/></BrushLabels>'
SHOTS = f'<View><Image name="i" valueList="$shots"/>{COAT}</View>'


class Source:
    def fetch(self, url: str, **_: Any) -> bytes:
        return (PHOTOGRAPHS / url).read_bytes()


def written(parser: PhotographParser, out: Path, image_root: str = "") -> list[dict[str, Any]]:
    """The tasks that are written of two photographs."""
    results = ResultsFolder(out, list(KINDS), parser)
    results.begin(parser.settings())
    photographs = find_photographs([str(PHOTOGRAPHS / name) for name in NAMES], out).photographs
    outcomes = list(parse_photographs(parser, photographs, results, parallel=2))
    assert [outcome.failure for outcome in outcomes] == [None, None]
    return list(json.loads(results.write_label_studio(photographs, image_root).read_text()))


@pytest.mark.parametrize(
    ("model", "config"),
    [
        ("ccp-live", labelling_config(CCP)),
        ("ccp-live", labelling_config(LabelSet(("background", "coat", "hair")), masks="PolygonLabels")),
        ("ccp-live", SHOTS),
        ("ccp-deeplab", labelling_config(LabelSet(("background", "person", "face")), masks="BitmaskLabels")),
    ],
    ids=["brush", "polygon", "pages", "bitmask"],
)
def test_predictions_are_those_of_the_backend(tmp_path: Path, model: str, config: str) -> None:
    loaded = Parser.from_pretrained(model)
    predictions = Predictions(OneModel(loaded), cast(Any, Source()))
    for task in written(PhotographParser(loaded, config), tmp_path / "out"):
        (prediction,) = task["predictions"]
        wanted = predictions.answer(task, PredictionRequest("", config))
        assert prediction["result"]
        for region in (*wanted["result"], *prediction["result"]):
            del region["id"]  # Depends on the task's number, which nobody knows before it is imported.
        assert prediction == {name: wanted[name] for name in prediction}
        assert set(prediction) == {"model_version", "score", "result"}


def test_all_results_of_a_photograph_agree(tmp_path: Path) -> None:
    parser = PhotographParser(Parser.from_pretrained(), labelling_config(CCP))
    for task in written(parser, tmp_path / "out", "https://host/all"):
        name = task["data"]["image"].removeprefix("https://host/all/")
        stem = Path(name).stem
        (prediction,) = task["predictions"]
        with Image.open(tmp_path / "out" / "masks" / f"{stem}.png") as mask:
            ids = np.array(mask)
        record = json.loads((tmp_path / "out" / "json" / f"{stem}.json").read_text())
        assert {one["id"]: one["pixels"] for one in record["labels"]} == dict(
            zip(*(part.tolist() for part in np.unique(ids, return_counts=True)), strict=True)
        )
        assert sum(one["share"] for one in record["labels"]) == pytest.approx(1, abs=1e-4)
        confidence = {one["name"]: one["confidence"] for one in record["labels"]}
        found = {region["value"]["brushlabels"][0]: region for region in prediction["result"]}
        assert {*found, "background"} == set(confidence)
        for label, region in found.items():
            (read,) = mask_regions([region])
            np.testing.assert_array_equal(read.mask(), ids == CCP.id_of(label))
            assert region["score"] == confidence[label]
        with (
            Image.open(PHOTOGRAPHS / name) as photograph,
            Image.open(tmp_path / "out/overlays" / f"{stem}.jpg") as drawn,
        ):
            assert photograph.size == drawn.size
            background = np.abs(np.array(drawn).astype(int) - np.array(photograph.convert("RGB")))[ids == 0]
        assert np.median(background) <= 3


def test_masks_are_a_data_set_with_their_photographs(tmp_path: Path) -> None:
    written(PhotographParser(Parser.from_pretrained(), labelling_config(CCP)), tmp_path / "out")
    (tmp_path / "out" / "images").symlink_to(PHOTOGRAPHS)
    (tmp_path / "out" / "val.txt").write_text("\n".join(Path(name).stem for name in NAMES))
    samples = open_dataset("folder", tmp_path / "out", "val")
    assert samples.labels.names == CCP.names
    assert len(samples) == len(NAMES)
    assert set(np.unique(samples[0].parsing)) <= set(range(len(CCP)))


@pytest.mark.slow
def test_a_network_that_takes_no_notice_of_clicks(tmp_path: Path) -> None:
    labels = LabelSet(("background", "hat", "hair", "face"))
    described = {
        "class": "PlainDeepLab",
        "arguments": {"num_labels": 4, "encoder": "tu-test_resnet", "decoder_channels": 16},
    }
    weights = build_network(described).state_dict()
    write_model_folder(tmp_path / "model", "plain", described, weights, labels, working_size=128)
    parser = PhotographParser(Parser.from_pretrained(tmp_path / "model"), labelling_config(labels))
    tasks = written(parser, tmp_path / "out")
    assert {task["predictions"][0]["model_version"] for task in tasks} == {parser.version}
    assert len(list((tmp_path / "out" / "masks").glob("*.png"))) == len(tasks) == len(NAMES)


def test_palettes_have_the_colours_of_the_config_and_the_models_background() -> None:
    config = labelling_config(LabelSet(("background", "face"), colours=((9, 9, 9), (1, 2, 3))))
    assert PhotographParser(cast(Any, StandInParser()), config).labels.colours == ((0, 0, 0), (1, 2, 3))


@pytest.mark.parametrize("name", ["a.jpg", "day 1/ä+&?#%41.jpg"])
def test_label_studio_and_the_backend_find_a_local_file_by_its_address(tmp_path: Path, name: str) -> None:
    (tmp_path / "photographs" / name).parent.mkdir(parents=True)
    (tmp_path / "photographs" / name).write_bytes(b"its bytes")
    for root in ("/data/local-files/?d=photographs", "/data/local-files/?d=photographs/"):
        assert read_local_file(address(root, name), tmp_path, 100) == b"its bytes"
    assert read_local_file(address("/data/local-files/?d=", f"photographs/{name}"), tmp_path, 100) == b"its bytes"


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ("<View/>", "no <Image>"),
        ("<View", "not well-formed XML"),
        (
            SHOTS.replace("valueList", "value").replace("$shots", "https://host/$file"),
            r"<Image> with https://host/\$file",
        ),
        (SHOTS.replace("$shots", "$meta.shots"), r"<Image> with \$meta.shots"),
        (SHOTS.replace("<View>", '<View><Image name="j" value="$j"/>'), "<Image> tags j, i: leave one"),
        (SHOTS.replace('"coat"', '"$first"'), "tags or labels from data.first"),
        (f'<View><Repeater on="$shots">{SHOTS}</Repeater></View>', "tags or labels from data.shots"),
    ],
)
def test_configs_that_cannot_be_used(config: str, says: str) -> None:
    with pytest.raises(RequestError, match=says):
        PhotographParser(cast(Any, StandInParser()), config)
