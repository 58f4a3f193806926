"""PredictionRequest: what is the same for all tasks of one request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class PredictionRequest:
    """A ``/predict`` request without its tasks.

    Attributes:
        project: Label Studio's project id.
        label_config: the labelling config's XML, as it came.
        context: ``params.context``; None for a batch.
        hostname, access_token: Label Studio's own, from the project's last ``/setup``.
    """

    project: str
    label_config: str | None
    context: Mapping[str, Any] | None = None
    hostname: str | None = None
    access_token: str | None = field(default=None, repr=False)
