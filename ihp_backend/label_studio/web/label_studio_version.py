"""Which version of Label Studio it is, as its API tells.

Concurrency: whoever needs a version first has it asked for in a thread, and all wait for that answer, but not for long.
Later, when it is asked for again, nobody waits. The lock guards the table and is never held while anything is asked.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as StillAsking
from dataclasses import dataclass, field, replace
from typing import Any

from packaging.version import InvalidVersion, Version

from ihp_backend.label_studio.loose_json import as_object
from ihp_backend.label_studio.web.download import Downloader
from ihp_backend.label_studio.web.image_errors import ImageFetchError
from ihp_backend.label_studio.web.image_settings import ImageSettings
from ihp_backend.label_studio.web.label_studio_address import LabelStudioAddress

logger = logging.getLogger(__name__)

PATH = "/api/version/"

MASK_PICTURES_SINCE = Version("1.7.2")
"""The first version whose page paints brush masks that are pictures (``maskDataURL``); it came with its Magic Wand."""

_ASKED_AGAIN = 600.0
"""Seconds after which a version is asked for again: Label Studio may have been upgraded."""

_TRIED_AGAIN = 60.0
_PATIENCE = 1.0
"""Seconds that a click waits at most, the first time."""

_LONGEST = 10.0
_MOST_BYTES = 1 << 20
_MOST_KEPT = 100


def version_of(told: Any) -> Version | None:
    """The version in an answer to ``PATH``; None where it tells none.

    Label Studio Enterprise counts its releases otherwise, and tells the version of what is in it apart.
    """
    content = as_object(told)
    within = as_object(content.get("label-studio-os-package")).get("version")
    try:
        return Version(str(within or content.get("release")))
    except InvalidVersion:
        return None


@dataclass
class _Known:
    """One Label Studio: its version as far as it is known, and the question, the first or a later one."""

    asked: float
    version: Version | None
    first: bool
    answer: Future[Version | None] = field(default_factory=Future)


class LabelStudioVersions:
    """Asks for versions, and remembers them.

    Args:
        settings: how Label Studio is reached.
        clock: seconds.
    """

    def __init__(self, settings: ImageSettings, clock: Callable[[], float] = time.monotonic) -> None:
        seconds = min(settings.total_seconds, _LONGEST)
        self._downloader = Downloader(replace(settings, max_bytes=_MOST_BYTES, total_seconds=seconds))
        self._clock = clock
        self._lock = threading.Lock()
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def of(self, label_studio: LabelStudioAddress, patience: float = _PATIENCE) -> Version | None:
        """Its version; None where it does not tell, or has not yet.

        Args:
            label_studio: its token is sent along where it has one, though Label Studio asks for none.
            patience: seconds to wait for the very first answer.
        """
        known = self._asked(label_studio)
        try:
            return known.version or known.answer.result(patience if known.first else 0)
        except StillAsking:
            return None

    def _asked(self, label_studio: LabelStudioAddress) -> _Known:
        base, now = label_studio.base, self._clock()
        with self._lock:
            before = self._known.get(base)
            if before is not None:
                life = _TRIED_AGAIN if before.version is None else _ASKED_AGAIN
                if not before.answer.done() or now - before.asked < life:
                    return before
            known = _Known(now, before.version if before else None, first=before is None)
            self._known[base] = known
            self._known.move_to_end(base)
            while len(self._known) > _MOST_KEPT:
                self._known.popitem(last=False)
        threading.Thread(target=self._ask, args=(label_studio, known), daemon=True, name="version").start()
        return known

    def _ask(self, label_studio: LabelStudioAddress, known: _Known) -> None:
        try:
            told = json.loads(self._downloader.download(label_studio.absolute(PATH), label_studio))
            known.version = version_of(told) or known.version
            logger.info("%s is Label Studio %s", label_studio.base, known.version or "and does not tell its version")
        except ImageFetchError as error:
            logger.info("Label Studio's version is not known: %s", error.of_no_image)
        except ValueError:
            logger.info("Label Studio's version is not known: %s%s is no JSON", label_studio.base, PATH)
        finally:
            known.answer.set_result(known.version)
