from __future__ import annotations

import gc
import re
import resource
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ihp_backend.clicks import Click
from ihp_backend.parsing import Parser, Scene
from ihp_backend.parsing.arrays import array_bytes
from ihp_backend.parsing.scene_file import ROOM, SceneFile

from .toy_engine import COAT, HAIR, ToyEngine, toy_checkpoint


def lies_in(file: SceneFile, array: NDArray[Any]) -> bool:
    return 0 <= array.ctypes.data - file._start < file._size


def share_in(file: SceneFile, scene: Scene) -> float:
    """Share of a scene's bytes that lies in the file."""
    return sum(array.nbytes for array in scene.arrays if lies_in(file, array)) / array_bytes(scene.arrays)


def test_an_array_is_equal_in_the_file_and_cannot_be_written_to(tmp_path: Path) -> None:
    file, rng = SceneFile(tmp_path, 1 << 20), np.random.default_rng(0)
    for given_array in (
        rng.normal(size=(3, 50, 7)).astype(np.float32),
        rng.integers(0, 256, (40, 30, 3), dtype=np.uint8)[::-1, ::2],
        np.array(7.5),
    ):
        placed = file.place(given_array)
        assert lies_in(file, placed)
        assert placed.dtype == given_array.dtype
        assert np.array_equal(placed, given_array)
        with pytest.raises(ValueError, match="read-only"):
            placed[...] = 0
    assert list(tmp_path.iterdir()) == []


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("place"), st.integers(0, 3 * ROOM)),
            st.tuples(st.just("view"), st.integers(0, 20)),
            st.tuples(st.just("drop"), st.integers(0, 20)),
            st.tuples(st.just("rest"), st.integers(0, 20)),
        ),
        max_size=60,
    )
)
def test_whatever_is_placed_dropped_and_given_rest_arrays_keep_their_values(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    """Room is never given to two, also where only a part of an array is still referred to."""
    file = SceneFile(tmp_path_factory.getbasetemp(), 8 * ROOM)
    held: list[tuple[NDArray[np.uint8], NDArray[np.uint8]]] = []
    for number, (step, value) in enumerate(steps):
        if step == "place":
            true = np.full(value, number, np.uint8)
            held.append((file.place(true), true))
        elif held:
            placed, true = held.pop(value % len(held))
            if step == "view":
                held.append((placed[: len(placed) // 2], true[: len(true) // 2]))
            elif step == "rest":
                file.rest([placed])
                held.append((placed, true))
            del placed
        assert all(np.array_equal(one, its) for one, its in held)
    held.clear()
    gc.collect()
    assert lies_in(file, file.place(np.ones(8 * ROOM, np.uint8)))  # All of the room is one piece again.


def test_where_there_is_no_room_an_array_stays_where_it_is(tmp_path: Path) -> None:
    file = SceneFile(tmp_path, 2 * ROOM)
    small, large = np.ones(ROOM, np.uint8), np.ones(2 * ROOM, np.uint8)
    kept = file.place(small)
    assert file.place(large) is large
    del kept
    assert lies_in(file, file.place(large))


@pytest.fixture
def full_disk() -> Iterator[int]:
    """No file of this process can grow beyond two rooms, and a write that tries fails; such is a full disk, too."""
    import signal

    before, ignored = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield 2 * ROOM
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, ignored)


def test_on_a_full_disk_an_array_stays_where_it_is(tmp_path: Path, full_disk: int) -> None:
    file = SceneFile(tmp_path, 8 * ROOM)
    resource.setrlimit(resource.RLIMIT_FSIZE, (full_disk, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    fits, too_much = np.ones(ROOM, np.uint8), np.full(4 * ROOM, 2, np.uint8)
    kept = file.place(fits)
    assert lies_in(file, kept)
    assert file.place(too_much) is too_much
    assert np.array_equal(kept, fits)


def resident() -> int:
    """Bytes of this process that are in memory."""
    (kilobytes,) = re.findall(r"^Rss: +(\d+) kB", Path("/proc/self/smaps_rollup").read_text(), re.MULTILINE)
    return int(kilobytes) * 1024


def test_who_is_given_rest_takes_no_memory(tmp_path: Path) -> None:
    size = 64 << 20
    file = SceneFile(tmp_path, size)
    placed = file.place(np.ones(size, np.uint8))
    assert placed.sum() == size  # Now it is in memory.
    before = resident()
    file.rest([placed])
    assert before - resident() > size // 2
    assert placed.sum() == size


@pytest.mark.parametrize("before", [0, 3_500_000], ids=["new room", "room of larger arrays"])
def test_neighbours_of_what_is_read_keep_their_rest(tmp_path: Path, before: int) -> None:
    size, count = 50_000, 2000
    file = SceneFile(tmp_path, count * ROOM)
    larger = [file.place(np.ones(before, np.uint8)) for _ in range(count * ROOM // (before + ROOM) if before else 0)]
    del larger
    gc.collect()
    placed = [file.place(np.ones(size, np.uint8)) for _ in range(count)]
    file.rest(placed)
    at_rest = resident()
    assert sum(int(one.sum()) for one in placed[::10]) == size * count // 10
    file.rest(placed[::10])
    assert resident() - at_rest < size * count / 20


def test_threads_get_room_of_their_own(tmp_path: Path) -> None:
    file, wrong = SceneFile(tmp_path, 64 * ROOM), []

    def work(number: int) -> None:
        for turn in range(200):
            true = np.full(ROOM // 2 + turn, number, np.uint8)
            placed = file.place(true)
            file.rest([placed])
            if not np.array_equal(placed, true):
                wrong.append((number, turn))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_answers_from_a_file_are_those_from_memory(tmp_path: Path) -> None:
    """Of the packaged model, to the bit, windows included, also after a rest; and of a model that has only colours."""
    image = np.random.default_rng(0).integers(0, 256, (90, 70, 3), dtype=np.uint8)
    image = image.repeat(12, 0).repeat(12, 1)
    clicks = [Click(300, 500, 2), Click(40, 60, 5), Click(600, 900, 0)]
    file = SceneFile(tmp_path, 256 << 20)
    for parser in (Parser.from_pretrained(), Parser(toy_checkpoint(), ToyEngine())):
        standing = [replace(click, label=click.label % len(parser.labels)) for click in clicks]
        in_memory, in_file = parser.open(image), parser.open(image, file.place)
        for _ in range(2):
            expected, answer = parser.parse(in_memory, standing), parser.parse(in_file, standing)
            assert np.array_equal(expected.label_map, answer.label_map)
            assert np.array_equal(expected.confidence, answer.confidence)
            file.rest(in_file.arrays)
        assert share_in(file, in_file) > 0.95


def test_a_window_that_is_encoded_later_lies_in_the_file_too(tmp_path: Path) -> None:
    image = np.full((1600, 1200, 3), 128, np.uint8)
    image[700:820, 500:560], image[820:900, 500:560] = HAIR, COAT
    parser, file = Parser(toy_checkpoint(), ToyEngine()), SceneFile(tmp_path, 64 << 20)
    scene = parser.open(image, file.place)
    before = len(scene.arrays)
    parser.parse(scene, [Click(530, 760, 1)])
    assert len(scene.arrays) > before
    assert share_in(file, scene) > 0.95
