"""Annotating photographs in the calling process or in several.

Concurrency. Workers are processes of their own (spawned, since inference engines do not survive a fork), each with
its own parser; they share nothing, and what they made comes back to the calling process. A worker ends when the
process that started it is gone, however that ended.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from itertools import islice
from multiprocessing.connection import wait as wait_for

import cv2

from ihp_backend.datasets import ParsingDataset
from ihp_backend.evaluation.annotator import Annotator
from ihp_backend.evaluation.click_parser import ClickParser
from ihp_backend.evaluation.protocol import annotate

MakeParser = Callable[[], ClickParser]
Task = tuple[int, int]
"""Seed and index of the photograph."""


def annotate_here(
    parser: ClickParser, dataset: ParsingDataset, annotator: Annotator, tasks: Sequence[Task]
) -> Generator[tuple[Task, bytes], None, None]:
    """Tasks and their records (``Record.to_bytes``), one after the other."""
    for task in tasks:
        yield _annotated(parser, dataset, annotator, task)


def annotate_in_processes(
    make_parser: MakeParser, dataset: ParsingDataset, annotator: Annotator, tasks: Sequence[Task], workers: int
) -> Generator[tuple[Task, bytes], None, None]:
    """Tasks and their records as they come, from ``workers`` processes.

    Only a few tasks are handed out ahead, so that an interrupted run stops soon.
    """
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, _start_worker, (make_parser, dataset, annotator))
    try:
        waiting = iter(tasks)
        running = {pool.submit(_work, task) for task in islice(waiting, 2 * workers)}
        while running:
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            running |= {pool.submit(_work, task) for task in islice(waiting, len(finished))}
            yield from (future.result() for future in finished)
    finally:
        pool.shutdown(cancel_futures=True)


_worker: tuple[ClickParser, ParsingDataset, Annotator]
"""What a worker process works with; set when it starts."""


def _start_worker(make_parser: MakeParser, dataset: ParsingDataset, annotator: Annotator) -> None:
    global _worker
    # An interruption from the keyboard reaches every process; the calling one ends the others in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    cv2.setNumThreads(1)
    _worker = make_parser(), dataset, annotator


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait_for([parent.sentinel])
    os._exit(1)


def _work(task: Task) -> tuple[Task, bytes]:
    return _annotated(*_worker, task)


def _annotated(parser: ClickParser, dataset: ParsingDataset, annotator: Annotator, task: Task) -> tuple[Task, bytes]:
    seed, index = task
    try:
        return task, annotate(parser, dataset[index], annotator, seed, index).to_bytes()
    except ValueError as error:
        raise ValueError(f"photograph {dataset.ids[index]}: {error}") from error
