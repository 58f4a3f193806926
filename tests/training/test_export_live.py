"""A live network as a model folder: ONNX Runtime and torch answer alike, for any size, clicks and labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from safetensors.torch import save

from ihp_backend.clicks import Click
from ihp_backend.exporting.model_folder import to_stored, write_and_compare, write_description
from ihp_backend.exporting.onnx_networks import export_halves
from ihp_backend.labels import ABSENT_LOGIT, LabelSet
from ihp_backend.networks import LiveNetwork
from ihp_backend.parsing import Parser
from ihp_backend.parsing.checkpoint import read_checkpoint
from ihp_backend.parsing.engines.base import DecoderInputs
from ihp_backend.parsing.engines.onnx_engines import DECODER, ENCODER, OnnxLiveEngine
from tests.live_exports import TINY, LiveExports

ARGUMENTS = {"num_labels": 5, **TINY}
KNOWN = LabelSet(("background", "hair", "face", "coat", "bag"))


# The packaged model has coloured kernels; test_job.py fine-tunes and serves networks without them.
WITHOUT_COLOUR = pytest.param(False, id="no colour", marks=pytest.mark.slow)


@pytest.fixture(scope="module", params=[WITHOUT_COLOUR, pytest.param(True, id="colour")])
def folder(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest, live_exports: LiveExports) -> Path:
    torch.manual_seed(0)
    arguments = {**ARGUMENTS, "colour": request.param}
    network = LiveNetwork(**arguments).eval()
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5)
    stored = {name: to_stored(tensor) for name, tensor in network.state_dict().items()}
    network.load_state_dict(stored)
    out = tmp_path_factory.mktemp("live")
    (out / "model.safetensors").write_bytes(save(stored))
    with live_exports.in_use():
        assert write_and_compare(network, out) < 2e-3
    description = {"class": "LiveNetwork", "arguments": arguments}
    write_description(out, "live", description, KNOWN, 128, network.multiple_of)
    return out


@pytest.mark.parametrize("labels", [None, ["background", "face", "tattoo"], ["background", *map(str, range(60))]])
@pytest.mark.parametrize("size", [(40, 30), (128, 61), (300, 500)])
def test_both_engines_answer_alike(folder: Path, labels: list[str] | None, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    # What this network has learnt from nobody speaks for no label in particular; torch decodes everywhere, too.
    everywhere = OnnxLiveEngine(folder / ENCODER, folder / DECODER, 2, everywhere=True)
    named = None if labels is None else LabelSet(tuple(labels))
    parsers = [
        Parser(read_checkpoint(folder), everywhere, named),
        Parser.from_pretrained(folder, named, engine="torch"),
    ]
    count = len(parsers[0].labels)
    clicks = [
        Click(
            int(rng.integers(size[1])), int(rng.integers(size[0])), int(rng.integers(count)), bool(rng.random() < 0.8)
        )
        for _ in range(12)
    ]
    previous = rng.integers(0, count, size, dtype=np.uint8)
    scenes = [parser.open(image) for parser in parsers]
    said = [click for click in clicks if click.positive]
    for given, before in ((clicks, None), (said, None), ([], None), (clicks, previous)):
        answers = [parser.parse(scene, given, before) for parser, scene in zip(parsers, scenes, strict=True)]
        # Ties, and what lies within rounding of one, may fall either way; at a denied place also for the second label.
        ties = 2 if given is clicks else 1
        assert (answers[0].label_map != answers[1].label_map).mean() < ties * 2e-3
        np.testing.assert_allclose(answers[0].confidence, answers[1].confidence, atol=ties * 1e-3)


def test_the_same_twice(folder: Path) -> None:
    image = np.random.default_rng(1).integers(0, 256, (90, 70, 3), dtype=np.uint8)
    maps = []
    for _ in range(2):
        parser = Parser.from_pretrained(folder)
        maps.append(parser.parse(parser.open(image), [Click(3, 4, 1), Click(50, 60, 3)]).label_map)
    np.testing.assert_array_equal(maps[0], maps[1])


def test_reordered_and_unknown_names_mean_the_same(folder: Path) -> None:
    image = np.random.default_rng(2).integers(0, 256, (96, 64, 3), dtype=np.uint8)
    names = ["background", "hair", "tattoo", "coat"]
    turned = ["background", "coat", "ring", "Hair"]
    clicks = [Click(10, 10, 1), Click(40, 50, 2), Click(30, 80, 3), Click(60, 2, 0)]
    one, other = Parser.from_pretrained(folder, names), Parser.from_pretrained(folder, turned)
    table = np.array([0, 3, 2, 1])
    first = one.parse(one.open(image), clicks).label_map
    second = other.parse(other.open(image), [Click(c.x, c.y, int(table[c.label])) for c in clicks]).label_map
    np.testing.assert_array_equal(table[first], second)


def test_clicks_are_obeyed_in_photographs_of_any_size(folder: Path) -> None:
    rng = np.random.default_rng(3)
    parser = Parser.from_pretrained(folder)
    for height, width in ((1, 1), (7, 300), (128, 96), (640, 480)):
        image = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        places = {(int(rng.integers(width)), int(rng.integers(height))) for _ in range(15)}
        clicks = [Click(x, y, int(rng.integers(5))) for x, y in places]
        label_map = parser.parse(parser.open(image), clicks).label_map
        assert [label_map[click.y, click.x] for click in clicks] == [click.label for click in clicks]


def test_labels_are_decoded_only_around_what_speaks_for_them(folder: Path) -> None:
    engine = OnnxLiveEngine(folder / ENCODER, folder / DECODER, 2)
    features = engine.encode(np.zeros((320, 320, 3), np.uint8)).features
    for name in ("embedding", "embedding_8", "prior", "prior_8"):
        features.arrays[name][:] = 0  # Nothing is known ...
    features.arrays["embedding"][0, -1] = 9  # ... and nothing is like a click, nor has its colour.
    features.arrays["prior_8"][0, 3, 30, 2] = 0.5
    own, against = np.zeros((2, 2, 4), np.float32)
    own[0, 0] = against[1, 3] = 1
    places, previous = np.array([[100, 8], [300, 300]]), np.zeros((4, 80, 80), np.float32)
    previous[2, 70:72, 0:40] = 0.25
    inputs = DecoderInputs(places, own, against, np.eye(4, 5, k=2, dtype=np.float32), previous)
    decoded = engine.decode(features, inputs) > ABSENT_LOGIT / 2
    # A click, a prior, what is drawn, and nothing but a click against it.
    for label, inside in enumerate(((25, 2), (60, 4), (71, 38))):
        assert decoded[label][inside]
    found = [np.argwhere(cells) for cells in decoded]
    extents = [(*cells.min(0), *(cells.max(0) + 1)) for cells in found[:3]]
    np.testing.assert_array_equal(extents, [(12, 0, 40, 16), (48, 0, 76, 20), (56, 0, 80, 52)])
    assert not decoded[3].any()
    everywhere = OnnxLiveEngine(folder / ENCODER, folder / DECODER, 2, everywhere=True)
    assert (everywhere.decode(features, inputs) > ABSENT_LOGIT / 2).all()


def test_one_model_speaks_several_label_sets_over_the_same_scene(folder: Path) -> None:
    parser = Parser.from_pretrained(folder)
    scene = parser.open(np.random.default_rng(4).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    team = parser.with_labels(LabelSet(("background", "Gesicht", "ring")), {"Gesicht": [2]})
    clicks = [Click(10, 10, 1), Click(50, 50, 2)]
    wanted = Parser.from_pretrained(folder, ["background", "face", "ring"])
    np.testing.assert_array_equal(team.parse(scene, clicks).label_map, wanted.parse(scene, clicks).label_map)


@pytest.mark.slow
def test_shared_files_are_those_of_an_export_of_its_own(live_exports: LiveExports, tmp_path: Path) -> None:
    """Other weights, labels, kernels and colours than the network has that was exported first in this run."""
    torch.manual_seed(1)
    first, network = (
        LiveNetwork(**{**ARGUMENTS, "num_labels": labels}, mean=(0.5, 0.5, 0.5), colour=colour).eval()
        for labels, colour in ((5, False), (7, True))
    )
    own, shared = tmp_path / "own", tmp_path / "shared"
    own.mkdir()
    shared.mkdir()
    live_exports.export_halves(first, shared)
    live_exports.export_halves(network, shared)
    export_halves(network, own)
    for name in (ENCODER, DECODER):
        one, other = onnx.load(shared / name), onnx.load(own / name)
        for model in (one, other):
            del model.graph.metadata_props[:]  # The exporter's notes; nothing reads them.
        assert one == other, name
