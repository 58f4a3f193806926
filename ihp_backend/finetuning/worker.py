"""Worker: ingests events, asks Label Studio now and then for what it did not tell, starts fine-tuning jobs, and forgets
tasks that were deleted.

Of several workers one has a project's fine-tuning job; another takes it up when that one is not heard of any more.

Each job runs in a process of its own with the lowest priority. So clicks are answered as fast as before, and a job that
the system ends for want of memory takes nothing else with it.
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

from ihp_backend.finetuning.forgetting import forget_due
from ihp_backend.finetuning.ingest import ingest, sync
from ihp_backend.finetuning.process_priority import lower_process
from ihp_backend.finetuning.run_job import RetrainingPolicy, check
from ihp_backend.finetuning.workspace import Workspace
from ihp_backend.label_studio.annotations.accepted_annotation import AcceptedError
from ihp_backend.label_studio.api.client import ApiError, LabelStudio
from ihp_backend.label_studio.web.image_settings import ImageSettings
from ihp_backend.log_context import about
from ihp_backend.storage.storage_error import StorageError

logger = logging.getLogger(__name__)

PAUSE = 2.0
"""Seconds between two looks into the event inbox."""

RECONCILE = 600.0
"""Seconds between two questions to Label Studio about a project."""

MENDING = 30.0
"""The same, if something is known to have happened that was not told."""

FORGETTING = 3600.0
"""Seconds between two looks for deleted tasks that are to be forgotten."""

AGAIN = 300.0
"""Seconds after which a project is looked at again although nothing was told, for what could not be fetched before; and
after which Label Studio is asked again for what was not told, if it did not answer."""

RunJob = Callable[[str], None]
"""Runs a project's fine-tuning job."""


class Worker:
    """A worker; several may share a data folder, or a database.

    Args:
        workspace: everything there is.
        images: how Label Studio is reached.
        retraining_policy: what is learned when.
        run_job: has fine-tuning jobs run.
        clock: seconds, for tests.
        forget_after: days after which deleted tasks are forgotten.
    """

    def __init__(
        self,
        workspace: Workspace,
        images: ImageSettings,
        retraining_policy: RetrainingPolicy,
        run_job: RunJob,
        clock: Callable[[], float] = time.monotonic,
        forget_after: int = 30,
    ) -> None:
        self._forget_after, self._forgot = forget_after, float("-inf")
        self._workspace, self._images, self._retraining_policy, self._run_job, self._clock = (
            workspace,
            images,
            retraining_policy,
            run_job,
            clock,
        )
        self._reconciled: dict[str, float] = {}
        self._unanswered: set[str] = set()
        self._looked: dict[str, float] = {}
        self._ingested = -1
        self._elsewhere: set[str] = set()

    def run(self, ended: Event) -> None:
        """Works until ``ended`` is set."""
        while not ended.is_set():
            try:
                self.check()
            except StorageError as error:
                logger.error("%s; tried again in %.0f s", error, AGAIN / 10)
                ended.wait(AGAIN / 10)
            except Exception:  # Whatever it is, the events that come meanwhile have to be taken in some day.
                logger.exception("the worker goes on; tried again in %.0f s", AGAIN / 10)
                ended.wait(AGAIN / 10)
            ended.wait(PAUSE)

    def check(self) -> None:
        """Looks once at everything; raises ``StorageError``."""
        ingest(self._workspace.inbox, self._workspace.annotation_store)
        ingested, now = self._workspace.annotation_store.ingested, self._clock()
        told, self._ingested = ingested != self._ingested, ingested
        untold = set(self._workspace.annotation_store.untold())
        for project in self._workspace.annotation_store.projects():
            with about(project=project):
                pause = RECONCILE if project not in untold else AGAIN if project in self._unanswered else MENDING
                if now - self._reconciled.get(project, float("-inf")) >= pause:
                    told = self._reconcile(project, project in untold) or told
                    self._reconciled[project] = self._clock()  # Not before: a large project takes minutes.
                aged = now - self._looked.get(project, float("-inf")) >= AGAIN
                if told or aged or project in self._elsewhere:
                    self._looked[project] = now
                    self._look_at(project)
        if now - self._forgot >= FORGETTING:
            self._forgot = now
            forget_due(self._workspace, self._images, self._forget_after)

    def _look_at(self, project: str) -> None:
        report = self._workspace.progress(project).current()
        if report is not None and report.state == "running":
            # Looked at again and again from now on: its worker may be gone without a word.
            self._elsewhere.add(project)
            return
        self._elsewhere.discard(project)
        self._workspace.progress(project).clear_elsewhere_ended()
        try:
            _, reason = check(self._workspace, project, self._images, self._retraining_policy)
        except AcceptedError as error:
            logger.warning("project %s: %s", project, error)
            return
        except StorageError:
            raise
        except Exception:
            # Work submitted to one project must not end the ingest of all projects.
            logger.exception("project %s: it cannot be looked at; tried again in %.0f s", project, AGAIN)
            return
        if reason is not None:
            self._run_job(project)

    def _reconcile(self, project: str, untold: bool) -> bool:
        """Asks Label Studio for what it did not tell; returns whether there was something."""
        if not self._images.label_studio_url and not untold:
            return False
        self._unanswered.add(project)
        try:
            # Whoever asks does so again later, so that nothing has to be waited for.
            different = sync(LabelStudio(self._images, pauses=()), self._workspace.annotation_store, project)
        except (ApiError, ValueError) as error:
            logger.warning("project %s: not compared with Label Studio: %s", project, error)
            return False
        self._unanswered.discard(project)
        if different:
            logger.warning("project %s: %d annotations had not been told", project, different)
        return different > 0


def run_in_process(arguments: Sequence[str], ended: Event) -> RunJob:
    """Runs fine-tuning jobs as ``ihp train PROJECT --if-due`` with these arguments after it, until ``ended`` is set."""

    def run_job(project: str) -> None:
        command = [sys.executable, "-m", "ihp_backend.cli", "train", project, "--if-due", *arguments]
        # A thread that waits for the others of a step must not do so at full load.
        process = subprocess.Popen(command, env={"OMP_WAIT_POLICY": "PASSIVE", **os.environ})
        with suppress(ProcessLookupError):
            lower_process(process.pid)
        while process.poll() is None:
            if ended.wait(0.2):
                process.terminate()
                process.wait()
                return
        if process.returncode < 0:
            logger.error(
                "project %s: the fine-tuning job's process was ended by signal %d, for want of memory perhaps; it goes "
                "on where it was when it is begun again", project, -process.returncode,
            )  # fmt: skip

    return run_job
