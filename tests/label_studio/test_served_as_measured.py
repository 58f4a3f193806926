"""What annotators are answered is what is measured: the same clicks through Predictions and through the protocol."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ihp_backend.clicks import Click
from ihp_backend.datasets import Sample
from ihp_backend.evaluation import Annotator, annotate
from ihp_backend.evaluation.protocol import ServedParser
from ihp_backend.label_studio.clicks.click_memory import ClickMemory
from ihp_backend.label_studio.masks.brush_rle import decode
from ihp_backend.label_studio.predict.model_cache import OneModel
from ihp_backend.label_studio.predict.prediction_request import PredictionRequest
from ihp_backend.label_studio.predict.predictions import Predictions
from ihp_backend.labels import LabelSet
from ihp_backend.parsing import Parser
from ihp_backend.parsing.engines.onnx_engines import OnnxLiveEngine
from ihp_backend.parsing.photograph import Photograph

PHOTOGRAPH = Path(__file__).parents[2] / "examples" / "photographs" / "eileen_collins.jpg"
LABELS = LabelSet(("background", "hair", "face", "coat", "badge"))
CONFIG = (
    '<View><Image name="i" value="$i"/><KeyPointLabels name="k" toName="i">{0}</KeyPointLabels>'
    '<BrushLabels name="b" toName="i">{0}</BrushLabels></View>'
).format("".join(f'<Label value="{name}"/>' for name in LABELS.names))
CORRECTIONS = 6


def forget(parser: Parser) -> None:
    """Workers keep what they decoded last, each for the clicks that it saw; beginning anew, ties fall alike."""
    assert isinstance(parser._engine, OnnxLiveEngine)
    parser._engine.forget()


class Source:
    def fetch(self, url: str, **_: Any) -> bytes:
        return PHOTOGRAPH.read_bytes()


class Served:
    """Clicks one after the other, each sent with those of its label, as the editor sends them."""

    def __init__(self, memory: ClickMemory, photograph: Photograph) -> None:
        self.size = photograph.pixels.shape[:2]
        self._parser = Parser.from_pretrained()
        self._here = Predictions(OneModel(self._parser), cast(Any, Source()), memory=memory)

    def answer(self, clicks: Sequence[Click]) -> NDArray[np.uint8]:
        forget(self._parser)
        height, width = self.size
        records = []
        for number, click in enumerate(clicks):
            if click.label == clicks[-1].label:
                x, y = 100 * (click.x + 0.5) / width, 100 * (click.y + 0.5) / height
                value = {"x": x, "y": y, "keypointlabels": [LABELS.names[click.label]]}
                records.append({"id": f"c{number}", "type": "keypointlabels", "to_name": "i", "value": value})
        item = self._here.answer(
            {"id": 1, "data": {"i": "photograph"}}, PredictionRequest("1", CONFIG, context={"result": records})
        )
        label_map = np.zeros(self.size, np.uint8)
        for region in item["result"]:
            (name,) = region["value"]["brushlabels"]
            label_map[decode(region["value"]["rle"], height, width) > 0] = LABELS.id_of(name)
        return label_map


@pytest.fixture(scope="module")
def sample() -> Sample:
    """A photograph whose truth is what the model finds, but for a badge that it does not know."""
    pixels = np.array(Image.open(PHOTOGRAPH).convert("RGB"))
    parser = Parser.from_pretrained(labels=LABELS)
    truth = parser.parse(parser.open(pixels), []).label_map.copy()
    truth[360:420, 200:260] = LABELS.id_of("badge")
    return Sample(pixels, truth, "eileen")


def test_the_served_label_maps_are_those_that_are_measured(tmp_path: Path, sample: Sample) -> None:
    parser = Parser.from_pretrained(labels=LABELS)
    record = annotate(parser, sample, Annotator(corrections=CORRECTIONS), seed=0, index=0)
    made = [Click(x, y, label, bool(sign)) for _, x, y, label, sign in record.clicks.tolist()]
    measured = ServedParser(parser, parser.open(sample.image))
    # Two worker processes, in turn, with one file of clicks.
    workers = [Served(ClickMemory(tmp_path / "clicks.sqlite"), Photograph(sample.image)) for _ in range(2)]
    for count in range(1, len(made) + 1):
        forget(parser)
        wanted, found = measured.answer(made[:count]), workers[count % 2].answer(made[:count])
        shown = {click.label for click in made[:count]}
        # Labels that nobody clicked yet are found, but not answered.
        np.testing.assert_array_equal(found, np.where(np.isin(wanted, list(shown)), wanted, 0))
    assert count > 6


def test_a_click_taken_back_takes_its_answer_with_it(tmp_path: Path, sample: Sample) -> None:
    """A wrong click, then undo: the answer is the one before, and not what the wrong click left behind."""
    parser = Parser.from_pretrained(labels=LABELS)
    right = [Click(256, 60, 1), Click(256, 200, 2)]
    wrong = [*right, Click(420, 480, 1)]
    measured = ServedParser(parser, parser.open(sample.image))
    before = measured.answer(right)
    assert (measured.answer(wrong) != before).any()
    np.testing.assert_array_equal(measured.answer(right), before)
