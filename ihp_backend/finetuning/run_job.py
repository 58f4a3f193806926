"""Running a project's fine-tuning job from beginning to end, as the command and the worker do."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace

from ihp_backend.finetuning.accepted_index import Index
from ihp_backend.finetuning.accepted_set import Policy
from ihp_backend.finetuning.base_data import open_base
from ihp_backend.finetuning.missing_packages import why_no_fine_tuning
from ihp_backend.finetuning.progress import Report
from ihp_backend.finetuning.recipes import RECIPE, Device
from ihp_backend.finetuning.schedule import TrainedState, due
from ihp_backend.finetuning.workspace import Workspace
from ihp_backend.label_studio.web.image_settings import ImageSettings
from ihp_backend.parsing.checkpoint import CheckpointError
from ihp_backend.storage.storage_error import StorageError

logger = logging.getLogger(__name__)

PATIENCE = 3600.0
"""Seconds after which a fine-tuning job that failed or was stopped is begun again unasked."""


@dataclass(frozen=True)
class RetrainingPolicy:
    """Policy of retraining: when a project is due, and what it is trained with.

    Attributes:
        every: photographs that must be new or changed before a fine-tuning job is run unasked.
        policy: of several annotators, see ``AcceptedSet``.
        base: "NAME:FOLDER" of what the base model was trained on, see ``Base``; None: it is not at hand.
        base_model: that serves projects without a version of their own; None: the packaged default.
        threads: of the processor.
        device: where networks learn; on a GPU it is the whole of them.
    """

    every: int = 20
    policy: Policy = "newest"
    base: str | None = None
    base_model: str | None = None
    threads: int = 1
    device: Device = "cpu"


def check(
    workspace: Workspace, project: str, images: ImageSettings, retraining_policy: RetrainingPolicy
) -> tuple[Index, str | None]:
    """Brings a project's accepted set up to date; gives what is in it, and why a fine-tuning job is due, or None.

    After one that failed or was stopped the next is not due before ``PATIENCE`` seconds.

    Raises:
        AcceptedError, StorageError: it cannot be brought up to date.
    """
    index = workspace.bring_up_to_date(project, images, retraining_policy.policy)
    learned = TrainedState.read(workspace.job_documents(project))
    reason = due(
        learned, TrainedState.of(index, workspace.annotation_store.training_wanted(project)), retraining_policy.every
    )
    last = workspace.progress(project).current()
    if last is not None and last.state in ("failed", "stopped"):
        since = time.time() - (last.ended or 0.0)
        if 0 <= since < PATIENCE:  # Below 0 the clock was set back, and how long ago it was is not known.
            return index, None
    return index, reason


def run_job(
    workspace: Workspace,
    project: str,
    images: ImageSettings,
    retraining_policy: RetrainingPolicy,
    *,
    asked: bool = False,
    force: bool = False,
) -> Report | None:
    """Runs a fine-tuning job if one is due, or if it is asked for; None where none is due, or one runs already.

    What goes wrong in the fine-tuning job is in the report, and logged.

    Raises:
        AcceptedError, StorageError: see ``check``.
    """
    index, reason = check(workspace, project, images, retraining_policy)
    if asked:
        reason = reason or "asked for"
    if reason is None:
        return None
    progress = workspace.progress(project)
    with progress.job(reason) as running:
        if running is None:
            return None
        logger.info("project %s: a fine-tuning job begins, %s", project, reason)
        try:
            # Imported here, since it needs torch and serving does not.
            from ihp_backend.finetuning.job import JobError, JobRecipe, run_steps

            recipe = JobRecipe(
                replace(RECIPE, whole=retraining_policy.device != "cpu"),
                base_model=retraining_policy.base_model,
                force=force,
                threads=retraining_policy.threads,
                device=retraining_policy.device,
            )
            try:
                run_steps(workspace, project, index, running, recipe, open_base(retraining_policy.base))
            except (JobError, CheckpointError, StorageError, ValueError) as error:
                running.end("failed", message=str(error))
            except OSError as error:
                running.end(
                    "failed", message=str(StorageError.about("fine-tuning job", progress.folder, "failed", error))
                )
            except (MemoryError, RuntimeError) as error:
                if not _wants_memory(error):
                    raise
                advice = "annotate smaller photographs, give the worker more, or let it learn with --device cpu"
                running.end("failed", message=f"out of memory ({error}); {advice}")
        except ImportError as error:
            lacking, remedy = why_no_fine_tuning() or (str(error), "install the backend with its extra train again")
            running.end("failed", message=f"{lacking}; {remedy}")
        report = running.report
    logger.log(
        logging.WARNING if report.state == "failed" else logging.INFO,
        "project %s: the fine-tuning job ended, %s: %s", project, report.state, report.message,
    )  # fmt: skip
    return report


def _wants_memory(error: Exception) -> bool:
    """Whether an error means that memory ran out; torch says so in words alone."""
    return isinstance(error, MemoryError) or any(word in str(error) for word in ("out of memory", "can't allocate"))
