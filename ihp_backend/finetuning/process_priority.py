"""Process priority: fine-tuning jobs run on what the server leaves over, so that clicks come first.

A nice value counts only among the processes of one session where Linux groups processes by session (autogroups). The
worker that ``ihp serve`` starts is in the server's session. One that was started by itself leads a session of its own
and lowers that as a whole.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

LOWEST = 19


def lower_process(process: int) -> None:
    """Lets a process, and what it starts from now on, run only while nothing else of its group wants to.

    Raises:
        ProcessLookupError: there is no such process.
    """
    os.setpriority(os.PRIO_PROCESS, process, LOWEST)
    if hasattr(os, "SCHED_IDLE"):
        # Whoever wakes up takes the core from such a process at once; from one that is only nice not always.
        with suppress(PermissionError):
            os.sched_setscheduler(process, os.SCHED_IDLE, os.sched_param(0))


def lower_session(autogroup: Path = Path("/proc/self/autogroup")) -> bool:
    """Lowers this process's session if it leads one, as under systemd or in a container; gives whether it did."""
    if os.getsid(0) != os.getpid():
        return False
    try:
        autogroup.write_text(str(LOWEST))
    except OSError:
        return False
    return True
