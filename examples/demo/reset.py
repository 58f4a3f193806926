"""`make demo-reset`: stop what runs, then remove the demonstration's folder. Standard library only."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from examples.demo.processes import owner_is_alive, running, stop


def reset(folder: Path) -> int:
    """Stop every recorded server and remove the folder; returns the exit status."""
    records = sorted(folder.glob("*.process.json"))
    for record in records:
        known = running(record)
        if known is not None and owner_is_alive(known):
            print(
                f"A demonstration is running (process {known['owner']}). Press Ctrl-C there first, then run "
                "make demo-reset again.",
                file=sys.stderr,
            )
            return 1
    for record in records:
        name = stop(record)
        if name:
            print(f"Stopped {name}.")
    if folder.exists():
        shutil.rmtree(folder)
        print(f"Removed {folder.name}/. The next make demo starts from nothing.")
    else:
        print(f"Nothing to do: there is no {folder.name}/.")
    return 0


if __name__ == "__main__":
    sys.exit(reset(Path(__file__).resolve().parents[2] / ".demo"))
