"""evaluate: the interaction protocol over a data set, several seeds, on several cores, resumable.

The calling process hands out seeds and photographs and alone writes the store.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ihp_backend.datasets import ParsingDataset
from ihp_backend.evaluation.annotator import Annotator
from ihp_backend.evaluation.click_parser import ClickParser, check_labels
from ihp_backend.evaluation.curve import Curve
from ihp_backend.evaluation.near_edge import BAND
from ihp_backend.evaluation.record_store import RecordStore
from ihp_backend.evaluation.tally import FAR
from ihp_backend.evaluation.workers import MakeParser, annotate_here, annotate_in_processes

FORMAT = 1
"""Of the records; a change of what they count makes older ones unfit."""


def evaluate(
    make_parser: MakeParser,
    dataset: ParsingDataset,
    indices: Sequence[int],
    annotator: Annotator,
    seeds: Sequence[int],
    workers: int = 1,
    folder: Path | None = None,
    *,
    description: str = "annotating",
    console: Console | None = None,
) -> list[Curve]:
    """Runs the protocol; one curve per seed.

    Args:
        make_parser: makes what is measured, once per worker; must be picklable where there are several (a
            ``functools.partial`` of something at the top of a module). It should use 1/workers of the cores.
        dataset: photographs with their true parsings; picklable too.
        indices: which of them.
        annotator: how the simulated annotators click.
        seeds: one simulated annotator each.
        workers: processes; 1 works in the calling process. The figures do not depend on it.
        folder: keeps ``records.sqlite``, with which an interrupted run goes on; None keeps nothing.
        description: of the progress bar.
        console: where the progress bar is drawn.

    Raises:
        ValueError: the parser speaks another label set; or ``folder`` has records made under other settings.
    """
    parser = make_parser()
    check_labels(parser.labels, dataset.labels)
    store = RecordStore(folder, _settings(parser, dataset, annotator))
    try:
        done = store.done()
        wanted = [(seed, index) for seed in seeds for index in indices]
        missing = [task for task in wanted if task not in done]
        with _progress(console) as progress:
            bar = progress.add_task(description, total=len(wanted), completed=len(wanted) - len(missing))
            if workers == 1 or len(missing) < 2:
                results = annotate_here(parser, dataset, annotator, missing)
            else:
                del parser  # Each worker has its own.
                results = annotate_in_processes(make_parser, dataset, annotator, missing, workers)
            with closing(results):  # An interruption ends the workers at once, not when somebody forgets the results.
                for (seed, index), record in results:
                    store.add(seed, index, dataset.ids[index], record)
                    progress.advance(bar)
        curves = []
        for seed in seeds:
            curve = Curve(seed)
            for name, kept in store.records(seed, indices):
                curve.add(name, kept)
            curves.append(curve)
        return curves
    finally:
        store.close()


def _settings(parser: ClickParser, dataset: ParsingDataset, annotator: Annotator) -> dict[str, Any]:
    """Settings that a record depends on, besides its seed and photograph."""
    ids = hashlib.sha256("\n".join(dataset.ids).encode()).hexdigest()[:12]
    return {
        "format": FORMAT,
        "model": parser.version,
        # Under the names that records have had from the beginning.
        "obedient": getattr(parser, "enforce_clicks", None),
        "doubtful": getattr(parser, "unfiltered", None),
        "dataset": f"{len(dataset)} photographs, ids {ids}",
        "labels": list(dataset.labels.names),
        "near_edge": BAND,
        "far": FAR,
        **{f"annotator.{name}": value for name, value in asdict(annotator).items()},
    }


def _progress(console: Console | None) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    )
