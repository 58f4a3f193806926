"""SceneCache: opened photographs, so that a click does not pay for opening again.

Concurrency: a lock guards the table; photographs are opened outside it. Threads that ask for a photograph while
another opens it wait for that one. A failed opening is told to all who waited and not remembered.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import is_dataclass
from typing import Any

import numpy as np

from ihp_backend.parsing.scene import Scene

DEFAULT_BYTES = 1 << 30


class SceneCache:
    """Least recently used scenes give way when there are too many or they are too big.

    Args:
        most_scenes: scenes kept.
        most_bytes: bytes kept; a single larger scene is given out but not kept.
    """

    def __init__(self, most_scenes: int = 64, most_bytes: int = DEFAULT_BYTES) -> None:
        self._most_scenes = most_scenes
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._scenes: OrderedDict[str, Scene] = OrderedDict()
        self._bytes: dict[str, int] = {}
        self._opening: dict[str, Future[Scene]] = {}

    def get(self, key: str, opener: Callable[[], Scene], *, keep: bool = True) -> Scene:
        """The scene under ``key``, opened by ``opener`` if need be; raises what ``opener`` raises.

        Args:
            keep: False leaves what is kept as it is: for those who go through many photographs once, while others come
                back to theirs with every click.
        """
        with self._lock:
            if key in self._scenes:
                if keep:
                    self._scenes.move_to_end(key)
                return self._scenes[key]
            future = self._opening.get(key)
            mine = future is None
            if future is None:
                future = self._opening[key] = Future()
        if not mine:
            scene = future.result()
            if keep:
                with self._lock:
                    self._keep(key, scene)
            return scene
        try:
            scene = opener()
        except BaseException as error:
            with self._lock:
                del self._opening[key]
            future.set_exception(error)
            raise
        with self._lock:
            del self._opening[key]
            if keep:
                self._keep(key, scene)
        future.set_result(scene)
        return scene

    def __len__(self) -> int:
        with self._lock:
            return len(self._scenes)

    def _keep(self, key: str, scene: Scene) -> None:
        size = scene_bytes(scene)
        if size > self._most_bytes or key in self._scenes:
            return
        self._scenes[key] = scene
        self._bytes[key] = size
        while len(self._scenes) > self._most_scenes or sum(self._bytes.values()) > self._most_bytes:
            oldest, _ = self._scenes.popitem(last=False)
            del self._bytes[oldest]


def scene_bytes(scene: Scene) -> int:
    """Bytes of the arrays in a scene's features, at least those of a photograph of its size."""
    return max(_array_bytes(scene.features), scene.height * scene.width * 3)


def _array_bytes(value: Any) -> int:
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, Mapping):
        return sum(_array_bytes(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return sum(_array_bytes(item) for item in value)
    if is_dataclass(value):
        return sum(_array_bytes(item) for item in vars(value).values())
    return 0
