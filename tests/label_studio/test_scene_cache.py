from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from ihp_backend.label_studio.predict.scene_cache import SceneCache, open_scene_cache
from ihp_backend.label_studio.scene_limits import SceneLimits
from ihp_backend.parsing import Scene
from ihp_backend.parsing.scene_file import SceneFile


def scene(size: int = 10) -> Scene:
    return Scene(size, size, 1.0, None)


def test_a_scene_is_opened_once() -> None:
    cache = SceneCache()
    first = cache.get("a", scene)
    assert cache.get("a", lambda: pytest.fail("opened again")) is first


def test_the_least_recently_used_gives_way_by_number() -> None:
    cache = SceneCache(most_scenes=2)
    kept = cache.get("a", scene)
    cache.get("b", scene)
    cache.get("a", scene)
    cache.get("c", scene)
    assert cache.get("a", scene) is kept
    opened: list[str] = []
    cache.get("b", lambda: opened.append("b") or scene())  # type: ignore[func-returns-value]
    assert opened == ["b"]


def test_the_least_recently_used_gives_way_by_size() -> None:
    cache = SceneCache(most_bytes=700)
    for key in "abc":
        cache.get(key, scene)  # 300 bytes each
    assert len(cache) == 2
    cache.get("big", lambda: scene(100))
    assert len(cache) == 2


def test_figures_tell_what_became_of_what_was_asked_for() -> None:
    cache = SceneCache(most_scenes=2, most_bytes=2000)
    for key in "aabca":  # The last a gave way to c.
        cache.get(key, scene)  # 300 bytes each
    assert cache.figures() == (1, 4, 2, 2, 600)
    cache.get("passing", scene, keep=False)
    cache.get("big", lambda: scene(20))  # 1200 bytes
    cache.get("too big", lambda: scene(100))
    assert cache.figures() == (1, 7, 3, 2, 1500)


def test_who_only_passes_through_changes_nothing() -> None:
    cache = SceneCache(most_scenes=2)
    oldest = cache.get("a", scene)
    cache.get("b", scene)
    assert cache.get("a", scene, keep=False) is oldest
    cache.get("passing", scene, keep=False)
    assert len(cache) == 2
    cache.get("c", scene)
    assert cache.get("a", scene) is not oldest  # having been passed by made it no younger


def test_a_scene_is_kept_for_the_one_who_joined_in_opening_it(monkeypatch: pytest.MonkeyPatch) -> None:
    cache, begun, joined = SceneCache(), threading.Event(), threading.Event()
    monkeypatch.setattr(cache._opening, "do", partial(cache._opening.do, joining=joined.set))

    def opener() -> Scene:
        begun.set()
        assert joined.wait(10)
        return scene()

    with ThreadPoolExecutor(2) as pool:
        passing = pool.submit(cache.get, "a", opener, keep=False)
        assert begun.wait(10)
        staying = pool.submit(cache.get, "a", scene)
        assert staying.result() is passing.result()
    assert len(cache) == 1


def test_a_failed_opening_is_not_remembered() -> None:
    cache = SceneCache()

    def fail() -> Scene:
        raise ValueError("no photograph")

    for _ in range(2):
        with pytest.raises(ValueError, match="no photograph"):
            cache.get("a", fail)
    assert cache.get("a", scene).height == 10


@pytest.mark.parametrize("works", [True, False])
def test_threads_that_ask_at_once_share_one_opening(works: bool) -> None:
    cache = SceneCache()
    threads = 8
    start, waiting, opened = threading.Barrier(threads), threading.Event(), []

    def opener() -> Scene:
        opened.append(1)
        waiting.wait(0.2)
        if not works:
            raise ValueError("no photograph")
        return scene()

    def work(_: int) -> Scene | str:
        start.wait()
        try:
            return cache.get("a", opener)
        except ValueError as error:
            return str(error)

    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(work, range(threads)))
    assert len(set(map(id, found))) == 1 if works else set(found) == {"no photograph"}
    assert len(opened) == 1 if works else len(opened) < threads


def test_different_photographs_open_side_by_side() -> None:
    cache = SceneCache()
    both = threading.Barrier(2, timeout=10)

    def opener() -> Scene:
        both.wait()
        return scene()

    with ThreadPoolExecutor(2) as pool:
        assert len(list(pool.map(lambda key: cache.get(key, opener), "ab"))) == 2


def test_scene_bytes() -> None:
    features = {"maps": [np.zeros(100, np.float32), (np.zeros(7, np.uint8), "text")]}
    assert Scene(1, 1, 1.0, features).bytes == 407
    assert Scene(10, 10, 1.0, None).bytes == 300


def placed_scene(cache: SceneCache, size: int = 1 << 16) -> Scene:
    """A scene of one array, where the cache places arrays."""
    return Scene(1, 1, 1.0, cache.place(np.ones(size, np.uint8)))


def test_scenes_used_longer_ago_are_given_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = open_scene_cache(SceneLimits(memory_mebibytes=1, file_mebibytes=4), tmp_path)
    rested: list[int] = []
    monkeypatch.setattr(SceneFile, "rest", lambda _, arrays: rested.extend(map(id, arrays)))
    scenes = [cache.get(str(number), lambda: placed_scene(cache, 400 << 10)) for number in range(4)]
    ids = [id(one.features) for one in scenes]
    for one in (0, 1, 0, 2):  # Two of them fit.
        cache.used(scenes[one])
    assert rested == [ids[1]]
    cache.used(scenes[3])
    assert rested == [ids[1], ids[0]]
    assert len(cache) == 4  # They are open all the same.


def test_scenes_stay_in_memory_where_no_file_can_be_made(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    cache = open_scene_cache(SceneLimits(memory_mebibytes=1, file_mebibytes=4), tmp_path / "file")
    assert "opened photographs stay in memory, 1 MiB of them" in caplog.text
    array = np.ones(10)
    assert cache.place(array) is array
    for number in range(30):
        scene_of = cache.get(str(number), lambda: placed_scene(cache))
        cache.used(scene_of)
    assert len(cache) == 16


def test_however_many_scenes_come_and_go_none_is_left_in_memory(tmp_path: Path) -> None:
    """Arrays of all sizes leave gaps in the file; there must be room for the next scene all the same."""
    cache, rng = (
        open_scene_cache(SceneLimits(memory_mebibytes=1, file_mebibytes=64), tmp_path),
        np.random.default_rng(0),
    )

    def opened() -> Scene:
        sizes = (rng.uniform(0.5, 2.2) * np.array([860, 215, 590, 147, 393, 196, 98, 3539, 288])).astype(int)
        return Scene(1, 1, 1.0, [cache.place(np.empty(size << 8, np.uint8)) for size in sizes])

    for number in range(400):
        kept = cache.get(str(number), opened)
        assert not any(array.flags.writeable for array in kept.features), number
        cache.get(str(int(rng.integers(max(number - 30, 0), number + 1))), opened)
    assert cache.figures().evictions > 300
