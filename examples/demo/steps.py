"""Progress: one line per step, with a moving sign and the elapsed time while it lasts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class Steps:
    """Announces steps on a console; where it is no terminal, a line when a step begins and one when it is done."""

    def __init__(self, console: Console) -> None:
        self.console = console

    @contextmanager
    def step(self, text: str, total: int | None = None) -> Iterator[Step]:
        """One step; with ``total``, a bar that ``Step.advance`` moves."""
        columns = [SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()]
        if total:
            columns[2:2] = [BarColumn(bar_width=30), MofNCompleteColumn()]
        if not self.console.is_terminal:
            self.console.print(f"… {text}")
        began = time.monotonic()
        with Progress(*columns, console=self.console, transient=True, disable=not self.console.is_terminal) as progress:
            step = Step(progress, text, total)
            yield step
        self.console.print(f"[green]✓[/] {step.outcome or text} [dim]({time.monotonic() - began:.1f} s)[/]")


class Step:
    """A step in progress; set ``outcome`` to say on its last line what came of it."""

    def __init__(self, progress: Progress, text: str, total: int | None) -> None:
        self.outcome = ""
        self._progress = progress
        self._task = progress.add_task(text, total=total)

    def advance(self) -> None:
        """Counts one more part of the step as done."""
        self._progress.advance(self._task)
