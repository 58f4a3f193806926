"""Processor cores that this process may use, and work that they share."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def available_cores(quota_file: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """Cores of the process's affinity mask, further limited by a container's quota; at least 1.

    The machine's core count is no guide: a container with a quota of two cores on a large machine would start
    dozens of threads that wait for one another.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = quota_file.read_text().split()
        if quota != "max":
            cores = min(cores, max(int(quota) // int(period), 1))
    except (OSError, ValueError):
        pass  # No container, or one without the unified control group hierarchy.
    return max(cores, 1)


class Cores:
    """Threads that help their callers.

    Args:
        number: of cores; a caller works on one of them itself.
        name: of the threads.
    """

    def __init__(self, number: int, name: str) -> None:
        self._number = number
        self._helpers = ThreadPoolExecutor(max(number - 1, 1), thread_name_prefix=name)

    def submit(self, work: Callable[..., T], *arguments: object) -> Future[T]:
        """Has a helper do it; the caller goes on meanwhile."""
        return self._helpers.submit(work, *arguments)

    def share_out(self, work: Callable[[T], object], tasks: Iterable[T]) -> None:
        """Calls ``work`` with every task; caller and helpers take the next one when they are done with theirs.

        A helper is woken once and not for every task: each waking is a change of threads.

        Raises:
            Exception: what ``work`` raises; the tasks that were not begun are left, and none is under way any more.
        """
        left = deque(tasks)

        def take() -> None:
            while True:
                try:
                    task = left.popleft()
                except IndexError:
                    return
                try:
                    work(task)
                except BaseException:
                    left.clear()
                    raise

        helping = [self.submit(take) for _ in range(min(self._number, len(left)) - 1)]
        try:
            take()
        finally:
            wait(helping)
        for helper in helping:
            helper.result()
