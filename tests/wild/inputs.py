"""How many inputs each reader gets, what bounds they keep, and how real ones are made wild."""

from __future__ import annotations

import functools
import os
import resource
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.server.wild_bodies import captured, mutated

SHARES = {
    "brush RLE": 3000,
    "masks as pictures": 1500,
    "polygons, ellipses, strokes": 2000,
    "regions": 1000,
    "labelling configs": 2500,
    "task data": 1000,
    "prompts": 1500,
    "saved work": 500,
    "events": 1500,
    "exports": 500,
    "photographs": 2000,
    "addresses": 700,
    "bodies": 800,
    "headers": 500,
    "queries": 200,
    "model folders": 300,
    "credentials": 200,
    "kept clicks": 200,
    "kept answers": 200,
    "clicks and labels of commands": 200,
}
"""Inputs of each kind among 20,000."""

INPUTS = int(os.environ.get("IHP_WILD_INPUTS", "20000"))
"""Of all kinds together."""

SECONDS = 30
"""Of processor time for one input, which says that it hangs; the slowest needs less than one."""

MEMORY = 3 << 30
"""Bytes that one input may take: a little more than the largest photograph that is accepted."""


class _Hang(BaseException):
    """Nobody's ``except Exception`` must swallow it."""


def _hangs(*_: Any) -> None:
    raise _Hang


@contextmanager
def bounded() -> Iterator[None]:
    """Fails where the block hangs or takes more memory than any input may; whatever else runs on the machine."""
    (size,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmSize"))
    before, limits = signal.signal(signal.SIGVTALRM, _hangs), resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, ((int(size.split()[1]) << 10) + MEMORY, limits[1]))
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        yield
    except _Hang:
        raise AssertionError(f"more than {SECONDS} s of processor time") from None
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
        resource.setrlimit(resource.RLIMIT_AS, limits)


def wild(kind: str, *strategies: st.SearchStrategy[Any], of: int = 1) -> Callable[[Callable[..., None]], Any]:
    """Has a test get its kind's inputs, each within the bounds.

    Args:
        kind: of ``SHARES``.
        strategies: for the test's arguments.
        of: tests that share the kind.
    """
    inputs = max(SHARES[kind] * INPUTS // 20_000 // of, 1)

    def decorate(test: Callable[..., None]) -> Any:
        @functools.wraps(test)
        def within_bounds(*arguments: Any, **fixtures: Any) -> None:
            with bounded():
                test(*arguments, **fixtures)

        checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
        return settings(max_examples=inputs, suppress_health_check=checks)(given(*strategies)(within_bounds))

    return decorate


def error_of(kinds: type[Exception] | tuple[type[Exception], ...], read: Callable[[], Any]) -> Exception | None:
    """The declared error with which a reader refuses its input; None where it takes it."""
    try:
        read()
    except kinds as error:
        return error
    return None


CHANCES = st.integers(0, 2**63).map(Random)
"""Generators, by their seeds: what is made with them is large, and choosing each part of it would take far longer."""


def wilder(values: Sequence[Any]) -> st.SearchStrategy[Any]:
    """Copies of real JSON values with one to three parts of each replaced, taken out, doubled or renamed."""
    return st.builds(lambda chance: mutated(chance.choice(values), chance), CHANCES)


def damaged(content: bytes, chance: Random) -> bytes:
    """Bytes of which one to four places were changed: flipped, overwritten, cut out, doubled, moved, cut off."""
    data = bytearray(content)
    for _ in range(chance.choice([1, 1, 1, 2, 4])):
        at, length = chance.randrange(len(data) + 1), chance.choice([1, 1, 2, 4, 4, 8, chance.randrange(64)])
        how = chance.random()
        if how < 0.3 and at < len(data):
            data[at] ^= 1 << chance.randrange(8)
        elif how < 0.6:
            extreme = chance.choice([b"\0", b"\xff", b"\x7f", b"\x80", chance.randbytes(1)])
            data[at : at + length] = extreme * length
        elif how < 0.7:
            del data[at : at + length]
        elif how < 0.8:
            data[at:at] = data[at : at + length]
        elif how < 0.9:
            data[at:at] = chance.randbytes(length)
        else:
            del data[at:]
    return bytes(data)


@functools.cache
def real_bodies() -> dict[str, list[Any]]:
    """The bodies that Label Studio was seen to send, by route."""
    return captured()


@functools.cache
def real_records() -> list[dict[str, Any]]:
    """The records of regions and clicks that Label Studio was seen to send, masks among them."""
    found: list[dict[str, Any]] = []

    def look(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("value"), dict) and "type" in value:
                found.append(value)
            for inner in value.values():
                look(inner)
        elif isinstance(value, list):
            for inner in value[:200]:
                look(inner)

    for requests in real_bodies().values():
        look(requests)
    return found


@functools.cache
def real_configs() -> list[str]:
    """The labelling configs in those requests, and those that come with this project."""
    sent = [
        text for requests in real_bodies().values() for one in requests for text in (one.get("label_config"),) if text
    ]
    files = (Path(__file__).parents[2] / "examples" / "labelling_configs").glob("*.xml")
    return list(dict.fromkeys([*sent, *(file.read_text() for file in sorted(files))]))
