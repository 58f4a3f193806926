"""Processor cores that this process may use."""

from __future__ import annotations

import os
from pathlib import Path


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
