"""Parsing of many photographs: from their files to their results.

Concurrency: a few threads take a photograph each from its file to its results, and the engine runs the network for one
of them at a time. When whoever goes on with the outcomes stops, no photograph is begun any more, and those begun are
ended.
"""

from __future__ import annotations

import errno
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from ihp_backend.batch_parsing.named_photographs import NamedPhotograph
from ihp_backend.batch_parsing.photograph_parser import PhotographParser
from ihp_backend.batch_parsing.results_folder import ResultsFolder
from ihp_backend.parsing.photograph import read_photograph


@dataclass(frozen=True)
class Outcome:
    """Outcome of a photograph.

    Attributes:
        photograph: which one.
        failure: why it has no results; None if it has.
        notes: what is wrong with its file though it was read.
    """

    photograph: NamedPhotograph
    failure: str | None
    notes: tuple[str, ...] = ()


def parse_photographs(
    parser: PhotographParser,
    photographs: Sequence[NamedPhotograph],
    results: ResultsFolder,
    clicks: Sequence[str] = (),
    parallel: int = 1,
) -> Generator[Outcome, None, None]:
    """Parses photographs and writes their results, in whatever order they are done.

    Args:
        parser: makes the parsings.
        photographs: on disk.
        results: where the results go.
        clicks: on each of them, see ``PhotographParser.parse``.
        parallel: photographs in work at a time.

    Raises:
        OSError: no space is left for results; those that are whole stay.
    """

    def work(named: NamedPhotograph) -> Outcome:
        try:
            photograph = read_photograph(named.path.read_bytes())
            parsed = parser.parse(photograph, clicks)
        except OSError as error:
            return Outcome(named, f"photograph: cannot be read ({error.strerror}); check the file and its rights")
        except ValueError as error:
            return Outcome(named, str(error))
        try:
            results.write(named, photograph, parsed)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            return Outcome(named, f"out: cannot be written ({error}); give another folder with --out")
        return Outcome(named, None, photograph.notes)

    pool = ThreadPoolExecutor(parallel, thread_name_prefix="parse")
    try:
        for future in as_completed([pool.submit(work, photograph) for photograph in photographs]):
            yield future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
