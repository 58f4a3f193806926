"""The packaged default model behind the Parser."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ihp_backend.clicks import Click
from ihp_backend.labels import CCP
from ihp_backend.parsing import Parser
from ihp_backend.parsing.checkpoint import read_checkpoint
from ihp_backend.parsing.engines.base import Engine

EARLY_FUSION = "ccp-deeplab"
"""A packaged model that takes clicks in at its first layer and knows only the labels of its training."""

PHOTOGRAPHS = sorted((Path(__file__).parents[2] / "examples" / "photographs").glob("*.jpg"))


@pytest.fixture(scope="module")
def parser() -> Parser:
    return Parser.from_pretrained()


@pytest.fixture(scope="module")
def image() -> NDArray[np.uint8]:
    return np.array(Image.open(PHOTOGRAPHS[0]).convert("RGB"))


@pytest.fixture(scope="module")
def portrait() -> NDArray[np.uint8]:
    [file] = (file for file in PHOTOGRAPHS if file.stem == "eileen_collins")
    return np.array(Image.open(file).convert("RGB"))


def some_clicks(height: int, width: int, count: int = 6, seed: int = 0) -> list[Click]:
    rng = np.random.default_rng(seed)
    return [Click(int(rng.integers(width)), int(rng.integers(height)), int(rng.integers(24))) for _ in range(count)]


def test_the_default_model_speaks_the_24_labels_of_ccp(parser: Parser) -> None:
    assert parser.labels == CCP
    assert parser.version.startswith("ccp-live-")


@pytest.mark.parametrize("size", [(1, 1), (3, 700), (97, 41), (512, 512), (1500, 900)])
def test_answers_in_the_size_of_the_photograph(parser: Parser, size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    parse = parser.parse(parser.open(image), [Click(size[1] - 1, size[0] - 1, 5)])
    assert parse.label_map.shape == size
    assert parse.label_map.dtype == np.uint8
    assert parse.confidence.shape == (24,)
    assert 0 <= parse.confidence.min() <= parse.confidence.max() <= 1


def test_every_click_is_obeyed(parser: Parser, image: NDArray[np.uint8]) -> None:
    height, width = image.shape[:2]
    scene = parser.open(image)
    for seed in range(5):
        clicks = some_clicks(height, width, 8, seed)
        label_map = parser.parse(scene, clicks).label_map
        assert [label_map[click.y, click.x] for click in clicks] == [click.label for click in clicks]


class Deaf(Engine):
    """Sees background everywhere, whatever is clicked."""

    def encode(self, image: NDArray[np.uint8]) -> tuple[int, ...]:
        return image.shape

    def decode(self, features: tuple[int, ...], click_maps: NDArray[np.uint8]) -> NDArray[np.float32]:
        logits = np.zeros((len(click_maps), features[0] // 4, features[1] // 4), np.float32)
        logits[0] = 9
        return logits


def test_the_networks_own_answer_can_be_had(image: NDArray[np.uint8]) -> None:
    click = Click(40, 50, 7)
    for enforce_clicks, label in ((True, 7), (False, 0)):
        parser = Parser(read_checkpoint(), Deaf(), enforce_clicks=enforce_clicks)
        assert parser.parse(parser.open(image), [click]).label_map[50, 40] == label


def test_a_negative_click_takes_its_label_away(parser: Parser, image: NDArray[np.uint8]) -> None:
    scene = parser.open(image)
    label_map = parser.parse(scene, []).label_map
    y, x = (int(side) for side in np.argwhere(label_map > 0)[0])
    without = parser.parse(scene, [Click(x, y, int(label_map[y, x]), positive=False)]).label_map
    assert without[y, x] != label_map[y, x]


@pytest.mark.parametrize("small", [False, True])
def test_a_denied_place_takes_along_what_looks_like_it(
    parser: Parser, portrait: NDArray[np.uint8], small: bool
) -> None:
    image = portrait
    if small:  # A person for whom a window is opened.
        image = np.pad(image, ((700, 700), (700, 700), (0, 0)), mode="edge")
    scene = parser.open(image)
    coat = parser.parse(scene, []).label_map == CCP.id_of("coat")
    y, x = (int(side) + 700 * small for side in (330, 130))
    assert coat[y, x]
    assert coat.sum() > 40_000
    for click in (Click(x, y, CCP.id_of("coat"), positive=False), Click(x, y, CCP.id_of("upper clothes"))):
        label_map = parser.parse(scene, [click]).label_map
        assert (coat & (label_map == CCP.id_of("coat"))).sum() < 0.6 * coat.sum()
    # Where the label would not be the answer anyway, next to nothing changes.
    bag = Click(x, y, CCP.id_of("bag"), positive=False)
    assert ((parser.parse(scene, [bag]).label_map == CCP.id_of("coat")) != coat).sum() < 0.05 * coat.sum()


def test_people_in_a_panorama_are_found(parser: Parser, portrait: NDArray[np.uint8]) -> None:
    scene = parser.open(np.hstack([portrait] * 6))
    hair = parser.parse(scene, []).label_map == CCP.id_of("hair")
    assert all(piece.mean() > 0.01 for piece in np.hsplit(hair, 6))


def test_clicks_change_nothing_in_the_scene(parser: Parser, image: NDArray[np.uint8]) -> None:
    scene = parser.open(image)
    before = parser.parse(scene, []).label_map
    parser.parse(scene, some_clicks(*image.shape[:2]))
    np.testing.assert_array_equal(parser.parse(scene, []).label_map, before)


def test_torch_and_onnx_give_the_same_label_maps(parser: Parser, image: NDArray[np.uint8]) -> None:
    other = Parser.from_pretrained(engine="torch")
    clicks = some_clicks(*image.shape[:2])
    ours, theirs = (p.parse(p.open(image), clicks) for p in (parser, other))
    assert (ours.label_map != theirs.label_map).mean() < 1e-3  # Near-ties along outlines may fall either way.
    np.testing.assert_allclose(ours.confidence, theirs.confidence, atol=0.02)


def test_other_label_sets_are_matched_by_name(image: NDArray[np.uint8]) -> None:
    few, all_ = (Parser.from_pretrained(EARLY_FUSION, labels) for labels in (["background", "Face", "hair"], None))
    y, x = image.shape[0] // 4, image.shape[1] // 2
    ours = few.parse(few.open(image), [Click(x, y, 1)])
    full = all_.parse(all_.open(image), [Click(x, y, 13)]).label_map
    np.testing.assert_array_equal(ours.label_map == 1, full == 13)
    np.testing.assert_array_equal(ours.label_map == 2, full == 2)
    assert set(np.unique(ours.label_map)) <= {0, 1, 2}
    assert ours.confidence.shape == (3,)


def test_labels_the_model_lacks_are_named() -> None:
    with pytest.raises(ValueError, match=r"labels: the model has no 'tattoo'; it knows background, hat"):
        Parser.from_pretrained(EARLY_FUSION, labels=["background", "hair", "tattoo"])


def test_the_default_model_takes_labels_of_ones_own(image: NDArray[np.uint8]) -> None:
    own = Parser.from_pretrained(labels=["background", "hair", "tattoo"])
    label_map = own.parse(own.open(image), [Click(200, 300, 2)]).label_map
    assert label_map[300, 200] == 2
    assert set(np.unique(label_map)) <= {0, 1, 2}


@pytest.mark.parametrize(
    ("click", "message"),
    [
        (Click(50, 0, 1), r"\(50, 0\) lies outside the image; x goes from 0 to 49"),
        (Click(0, 40, 1), r"\(0, 40\) lies outside the image; x goes from 0 to 49, y from 0 to 39"),
        (Click(0, 0, 24), "label id 24 does not exist; ids go from 0 to 23"),
    ],
)
def test_impossible_clicks(parser: Parser, click: Click, message: str) -> None:
    scene = parser.open(np.zeros((40, 50, 3), np.uint8))
    with pytest.raises(ValueError, match=message):
        parser.parse(scene, [click])


def test_impossible_images_and_previous_parsings(parser: Parser) -> None:
    for shape, kind in (((4, 4), np.uint8), ((4, 4, 3), np.float32), ((0, 4, 3), np.uint8)):
        with pytest.raises(ValueError, match=r"image: .* needed"):
            parser.open(np.zeros(shape, kind))
    with pytest.raises(ValueError, match=r"previous: \(3, 4\) given, the scene is \(4, 4\)"):
        parser.parse(parser.open(np.zeros((4, 4, 3), np.uint8)), [], previous=np.zeros((3, 4), np.uint8))


def test_threads_do_not_disturb_each_other(parser: Parser) -> None:
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (60 + 17 * n, 80 + 9 * n, 3), dtype=np.uint8) for n in range(8)]
    clicks = [some_clicks(image.shape[0], image.shape[1], seed=n) for n, image in enumerate(images)]

    def answer(number: int) -> NDArray[np.uint8]:
        return parser.parse(parser.open(images[number]), clicks[number]).label_map

    alone = [answer(number) for number in range(8)]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(answer, [number for _ in range(4) for number in range(8)]))
    for number, label_map in enumerate(together):
        np.testing.assert_array_equal(label_map, alone[number % 8])


def test_serving_never_imports_torch() -> None:
    program = (
        "import sys, numpy; from ihp_backend.parsing import Parser; import ihp_backend.cli, ihp_backend.server.app; "
        "p = Parser.from_pretrained(); p.parse(p.open(numpy.zeros((20, 20, 3), numpy.uint8)), []); "
        "sys.exit('torch' in sys.modules or 'scipy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
