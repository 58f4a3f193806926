"""The log as the server writes it, with everything that anybody says at any level."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def written_by(formatter: logging.Formatter) -> Iterator[io.StringIO]:
    """What is logged in the block."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield stream
    finally:
        root.removeHandler(handler)
        root.setLevel(before)


def json_lines(written: io.StringIO, request_id: str | None = None) -> list[dict[str, Any]]:
    """The lines that ``JsonLines`` wrote; of one request only, if its id is given."""
    found = [json.loads(line) for line in written.getvalue().splitlines()]
    return [line for line in found if request_id in (None, line.get("request_id"))]
