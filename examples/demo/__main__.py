"""`make demo`: see the package's description."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from types import FrameType

from rich.console import Console

from examples.demo.demonstration import Demonstration
from examples.demo.processes import ServerError
from examples.demo.proof import ProofError
from examples.demo.settings import SettingError, Settings
from examples.demo.steps import Steps
from ihp_backend.finetuning.missing_packages import missing_packages
from ihp_backend.label_studio.api.client import ApiError

WHAT_NOW = """
[bold]Label Studio[/]  {url}/projects/{project}/data
[bold]Log in as[/]     {email}   password: {password}   (kept in {folder}/account.json)

[bold]What to do now[/]
  1. Open the address, log in, click on a photograph; switch on "Auto-Annotation" (bottom), take the pink tool (right).
  2. Choose a part for each click (key f: face, a: hair, o: coat) and click on it; Alt+click says "not here".
  3. Keep the masks with the green tick (bottom), then Submit: {learns}

Ctrl-C stops everything; make demo continues where you were; make demo-reset starts over.
"""

LEARNED = "it is learned from once 20 are accepted, or when Start Training is pressed."
KEPT = "it is kept to learn from; TRAIN=1 make demo installs what that needs."


def main(arguments: list[str] | None = None) -> int:
    """Run the demonstration; returns the exit status."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--check", action="store_true", help="prove one click, stop everything, exit with 0 or 1")
    check: bool = parser.parse_args(arguments).check
    # A closed terminal or a plain kill ends the demonstration in the same orderly way as Ctrl-C.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    console = Console(highlight=False, soft_wrap=True)
    try:
        with Demonstration(Settings.from_environment(os.environ), Steps(console)) as demonstration:
            try:
                _run(demonstration, check, console)
            finally:
                # A second Ctrl-C must not cut the stopping short.
                signal.signal(signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt:
        console.print("Stopped.")
        return 1 if check else 0
    except (SettingError, ServerError, ApiError, ProofError, OSError) as error:
        console.print("[red]The demonstration failed.[/]")
        console.print(str(error), markup=False)
        return 1
    return 0


def _run(demonstration: Demonstration, check: bool, console: Console) -> None:
    demonstration.start()
    project = demonstration.set_up()
    demonstration.prove(project)
    if check:
        console.print("[green]The demonstration works.[/]")
        return
    settings, account = demonstration.settings, demonstration.account
    console.print(
        WHAT_NOW.format(
            url=settings.label_studio_url,
            project=project["id"],
            email=account.email,
            password=account.password,
            folder=settings.folder.name,
            learns=KEPT if missing_packages() else LEARNED,
        )
    )
    demonstration.watch()


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
