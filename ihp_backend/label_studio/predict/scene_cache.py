"""SceneCache: opened photographs, so that a click does not pay for opening again.

Many annotators have a photograph open each, and few of them click at a time. So those that were clicked last are awake,
that is, in memory, and the others at rest in a file.

Concurrency: a lock guards the table; photographs are opened outside it. Threads that ask for a photograph while
another opens it wait for that one. A failed opening is told to all who waited and not remembered.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from cachetools import Cache, LRUCache

from ihp_backend.label_studio.scene_limits import SceneLimits
from ihp_backend.parsing.scene import Scene
from ihp_backend.parsing.scene_file import SceneFile
from ihp_backend.single_flight import SingleFlight

logger = logging.getLogger(__name__)

DEFAULT_BYTES = 1 << 30
FILLED = 0.7
"""Share of a file that scenes fill at most: what gave way leaves gaps, into which not every new one fits."""


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
        file: where scenes lie; None: in memory, all of them.
        awake_bytes: of the scenes in the file that are in memory, too; the one that was used last always is.
    """

    def __init__(
        self,
        most_scenes: int = 1024,
        most_bytes: int = DEFAULT_BYTES,
        file: SceneFile | None = None,
        awake_bytes: int = 0,
    ) -> None:
        self._most_scenes = most_scenes
        self._file, self._awake_bytes = file, awake_bytes
        self._awake: OrderedDict[int, Scene] = OrderedDict()
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

    def place(self, array: Any) -> Any:
        """Where the arrays of scenes go, see ``Parser.open``."""
        return array if self._file is None else self._file.place(array)

    def __len__(self) -> int:
        with self._lock:
            return len(self._scenes)

    def figures(self) -> SceneFigures:
        """What came of all that was asked for so far, and what is kept."""
        with self._lock:
            kept = self._scenes
            return SceneFigures(self._hits, self._misses, kept.evictions, len(kept), int(kept.currsize))

    def used(self, scene: Scene) -> None:
        """Somebody has read a scene and is done with it: those that were used longer ago are given rest for it."""
        if self._file is None:
            return
        with self._lock:
            self._awake[id(scene)] = scene
            self._awake.move_to_end(id(scene))
            awake = sum(one.bytes for one in self._awake.values())
            tired = []
            while awake > self._awake_bytes and len(self._awake) > 1:
                _, one = self._awake.popitem(last=False)
                awake -= one.bytes
                tired.append(one)
        for one in tired:
            self._file.rest(one.arrays)

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


def open_scene_cache(limits: SceneLimits, folder: Path) -> SceneCache:
    """A cache within these limits, whose file lies in ``folder``; all in memory where none can be made there."""
    memory = limits.memory_mebibytes << 20
    if limits.file_mebibytes:
        size = limits.file_mebibytes << 20
        try:
            return SceneCache(most_bytes=round(FILLED * size), file=SceneFile(folder, size), awake_bytes=memory)
        except OSError as error:
            logger.warning(
                "opened photographs stay in memory, %d MiB of them: no file for them can be made in %s (%s)",
                limits.memory_mebibytes,
                folder,
                error.strerror,
            )
    return SceneCache(most_bytes=memory)


class _Scenes(LRUCache[str, Scene]):
    """Scenes by key; counts those that give way."""

    evictions = 0

    def popitem(self) -> tuple[str, Scene]:
        self.evictions += 1
        return super().popitem()
