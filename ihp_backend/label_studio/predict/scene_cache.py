"""SceneCache: opened photographs, so that a click does not pay for opening again.

Concurrency: a lock guards the table; photographs are opened outside it. Threads that ask for a photograph while
another opens it wait for that one. A failed opening is told to all who waited and not remembered.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple

from cachetools import Cache, LRUCache

from ihp_backend.parsing.scene import Scene
from ihp_backend.single_flight import SingleFlight

DEFAULT_BYTES = 1 << 30


class SceneFigures(NamedTuple):
    """Figures of a scene cache.

    Attributes:
        hits, misses: photographs asked for that were open already, and that were not.
        evictions: scenes that gave way.
        scenes, bytes: kept now.
    """

    hits: int = 0
    misses: int = 0
    evictions: int = 0
    scenes: int = 0
    bytes: int = 0


class SceneCache:
    """Least recently used scenes give way when there are too many or they are too big.

    Args:
        most_scenes: scenes kept.
        most_bytes: bytes kept; a single larger scene is given out but not kept.
    """

    def __init__(self, most_scenes: int = 64, most_bytes: int = DEFAULT_BYTES) -> None:
        self._most_scenes = most_scenes
        self._lock = threading.Lock()
        self._scenes = _Scenes(most_bytes, lambda scene: scene.bytes)
        self._hits = self._misses = 0
        self._opening = SingleFlight[str, Scene]()

    def get(self, key: str, opener: Callable[[], Scene], *, keep: bool = True) -> Scene:
        """The scene under ``key``, opened by ``opener`` if need be; raises what ``opener`` raises.

        Args:
            keep: False leaves what is kept as it is: for those who go through many photographs once, while others come
                back to theirs with every click.
        """
        scene = self._kept(key, keep)
        with self._lock:
            self._hits += scene is not None
            self._misses += scene is None
        if scene is None:
            scene = self._opening.do(key, lambda: self._open(key, opener, keep))
            if keep:
                self._keep(key, scene)  # who began to open it may have wanted it once
        return scene

    def __len__(self) -> int:
        with self._lock:
            return len(self._scenes)

    def figures(self) -> SceneFigures:
        """What came of all that was asked for so far, and what is kept."""
        with self._lock:
            kept = self._scenes
            return SceneFigures(self._hits, self._misses, kept.evictions, len(kept), int(kept.currsize))

    def _open(self, key: str, opener: Callable[[], Scene], keep: bool) -> Scene:
        # Another thread may have opened it just before this one began.
        if (scene := self._kept(key, keep)) is None:
            scene = opener()
            if keep:
                self._keep(key, scene)
        return scene

    def _kept(self, key: str, used: bool) -> Scene | None:
        with self._lock:
            if key not in self._scenes:
                return None
            if not used:
                return Cache.__getitem__(self._scenes, key)  # moves nothing
            scene = self._scenes[key]
            # A scene grows by the windows that clicks open, so it is counted anew.
            del self._scenes[key]
            if scene.bytes <= self._scenes.maxsize:
                self._scenes[key] = scene
            else:
                self._scenes.evictions += 1
            return scene

    def _keep(self, key: str, scene: Scene) -> None:
        with self._lock:
            if key in self._scenes or scene.bytes > self._scenes.maxsize:
                return
            self._scenes[key] = scene
            while len(self._scenes) > self._most_scenes:
                self._scenes.popitem()


class _Scenes(LRUCache[str, Scene]):
    """Scenes by key; counts those that give way."""

    evictions = 0

    def popitem(self) -> tuple[str, Scene]:
        self.evictions += 1
        return super().popitem()
