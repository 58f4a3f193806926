"""The worker: takes in events, asks Label Studio now and then for what it did not tell, and has lessons held.

Each lesson is held by a process of its own with the lowest priority, so that clicks are answered as before, and so that
one that the system ends for want of memory takes nothing else with it.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Event

from ihp_backend.label_studio.accepted_work import AcceptedError
from ihp_backend.label_studio.web.api_access import ProjectApiError
from ihp_backend.label_studio.web.image_settings import ImageSettings
from ihp_backend.label_studio.web.project_api import ProjectApi
from ihp_backend.lessons.digest import digest
from ihp_backend.lessons.giving_way import give_way
from ihp_backend.lessons.holding import Curriculum, look
from ihp_backend.lessons.school import School
from ihp_backend.lessons.sync import sync
from ihp_backend.retraining.storage import StorageError

logger = logging.getLogger(__name__)

PAUSE = 2.0
"""Seconds between two looks into the inbox."""

RECONCILE = 600.0
"""Seconds between two questions to Label Studio about a project."""

MENDING = 30.0
"""The same, if something is known to have happened that was not told."""

AGAIN = 300.0
"""Seconds after which a project is looked at again although nothing was told, for what could not be fetched before; and
after which Label Studio is asked again for what was not told, if it did not answer."""

Hold = Callable[[str], None]
"""Has a project's lesson held."""


class Worker:
    """One worker; several on one data folder do no harm.

    Args:
        school: everything there is.
        images: how Label Studio is reached.
        curriculum: what is learned when.
        hold: has lessons held.
        clock: seconds, for tests.
    """

    def __init__(
        self,
        school: School,
        images: ImageSettings,
        curriculum: Curriculum,
        hold: Hold,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._school, self._images, self._curriculum, self._hold, self._clock = school, images, curriculum, hold, clock
        self._reconciled: dict[str, float] = {}
        self._unanswered: set[str] = set()
        self._looked: dict[str, float] = {}
        self._digested = -1

    def run(self, ended: Event) -> None:
        """Works until ``ended`` is set."""
        while not ended.is_set():
            try:
                self.look()
            except StorageError as error:
                logger.error("%s; tried again in %.0f s", error, AGAIN / 10)
                ended.wait(AGAIN / 10)
            ended.wait(PAUSE)

    def look(self) -> None:
        """Looks once at everything; raises ``StorageError``."""
        digest(self._school.inbox, self._school.ledger)
        digested, now = self._school.ledger.digested, self._clock()
        told, self._digested = digested != self._digested, digested
        untold = set(self._school.ledger.untold())
        for project in self._school.ledger.projects():
            pause = RECONCILE if project not in untold else AGAIN if project in self._unanswered else MENDING
            if now - self._reconciled.get(project, float("-inf")) >= pause:
                told = self._reconcile(project, project in untold) or told
                self._reconciled[project] = self._clock()  # Not before: a large project takes minutes.
            if told or now - self._looked.get(project, float("-inf")) >= AGAIN:
                self._looked[project] = now
                self._look_at(project)

    def _look_at(self, project: str) -> None:
        try:
            _, reason = look(self._school, project, self._images, self._curriculum)
        except AcceptedError as error:
            logger.warning("project %s: %s", project, error)
            return
        except StorageError:
            raise
        except Exception:
            # Whatever was submitted to one project must not end the ingest of all.
            logger.exception("project %s: it cannot be looked at; tried again in %.0f s", project, AGAIN)
            return
        if reason is not None:
            self._hold(project)

    def _reconcile(self, project: str, untold: bool) -> bool:
        """Whether Label Studio knows something that it did not tell."""
        if not self._images.label_studio_url and not untold:
            return False
        self._unanswered.add(project)
        try:
            different = sync(ProjectApi(self._images), self._school.ledger, project)
        except (ProjectApiError, ValueError) as error:
            logger.warning("project %s: not compared with Label Studio: %s", project, error)
            return False
        self._unanswered.discard(project)
        if different:
            logger.warning("project %s: %d annotations had not been told", project, different)
        return different > 0


def hold_in_process(arguments: Sequence[str], ended: Event) -> Hold:
    """Has lessons held by ``ihp train PROJECT --if-due`` with these arguments after it, until ``ended`` is set."""

    def hold(project: str) -> None:
        command = [sys.executable, "-m", "ihp_backend.cli", "train", project, "--if-due", *arguments]
        # A thread that waits for the others of a step must not do so at full load.
        process = subprocess.Popen(command, env={"OMP_WAIT_POLICY": "PASSIVE", **os.environ})
        with suppress(ProcessLookupError):
            give_way(process.pid)
        while process.poll() is None:
            if ended.wait(0.2):
                process.terminate()
                process.wait()
                return
        if process.returncode < 0:
            logger.error(
                "project %s: the lesson's process was ended by signal %d, for want of memory perhaps; it goes on where "
                "it was when it is begun again", project, -process.returncode,
            )  # fmt: skip

    return hold
