"""Holding a project's lesson from beginning to end, as the command and the worker do."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace

from ihp_backend.label_studio.web.image_settings import ImageSettings
from ihp_backend.learning.fine_tuning_recipe import RECIPE, Device
from ihp_backend.lessons.accepted_index import Index
from ihp_backend.lessons.accepted_set import Policy
from ihp_backend.lessons.base import open_base
from ihp_backend.lessons.plan import Learned, due
from ihp_backend.lessons.progress import Report
from ihp_backend.lessons.school import School
from ihp_backend.parsing.checkpoint import CheckpointError
from ihp_backend.retraining.storage import StorageError

logger = logging.getLogger(__name__)

PATIENCE = 3600.0
"""Seconds after which a lesson that failed or was stopped is begun again unasked."""


@dataclass(frozen=True)
class Curriculum:
    """What is learned when.

    Attributes:
        every: photographs that must be new or changed before a lesson is held unasked.
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


def look(school: School, project: str, images: ImageSettings, curriculum: Curriculum) -> tuple[Index, str | None]:
    """Brings a project's accepted set up to date; gives what is in it, and why a lesson is due, or None.

    After one that failed or was stopped the next is not due before ``PATIENCE`` seconds.

    Raises:
        AcceptedError, StorageError: it cannot be brought up to date.
    """
    index = school.bring_up_to_date(project, images, curriculum.policy)
    learned = Learned.read(school.learned_file(project))
    reason = due(learned, Learned.of(index, school.ledger.training_wanted(project)), curriculum.every)
    last = school.progress(project).current()
    if last is not None and last.state in ("failed", "stopped") and time.time() - (last.ended or 0.0) < PATIENCE:
        return index, None
    return index, reason


def hold(
    school: School,
    project: str,
    images: ImageSettings,
    curriculum: Curriculum,
    *,
    asked: bool = False,
    force: bool = False,
) -> Report | None:
    """Holds a lesson if one is due, or if it is asked for; None where none is due, or one runs already.

    What goes wrong in the lesson is in the report, and logged.

    Raises:
        AcceptedError, StorageError: see ``look``.
    """
    index, reason = look(school, project, images, curriculum)
    if asked:
        reason = reason or "asked for"
    if reason is None:
        return None
    progress = school.progress(project)
    with progress.lesson(reason) as running:
        if running is None:
            return None
        logger.info("project %s: a lesson begins, %s", project, reason)
        try:
            # Needs torch, which serving does not.
            from ihp_backend.lessons.lesson import LessonError, LessonRecipe, hold_lesson

            recipe = LessonRecipe(
                replace(RECIPE, whole=curriculum.device != "cpu"),
                base_model=curriculum.base_model,
                force=force,
                threads=curriculum.threads,
                device=curriculum.device,
            )
            try:
                hold_lesson(school, project, index, running, recipe, open_base(curriculum.base))
            except (LessonError, CheckpointError, StorageError, ValueError) as error:
                running.end("failed", message=str(error))
            except OSError as error:
                running.end("failed", message=str(StorageError.about("lesson", progress.folder, "failed", error)))
            except (MemoryError, RuntimeError) as error:
                if not _wants_memory(error):
                    raise
                advice = "annotate smaller photographs, give the worker more, or let it learn with --device cpu"
                running.end("failed", message=f"out of memory ({error}); {advice}")
        except ImportError as error:
            running.end("failed", message=f"{error}; training needs the train extra: pip install 'ihp-backend[train]'")
        report = running.report
    logger.log(
        logging.WARNING if report.state == "failed" else logging.INFO,
        "project %s: the lesson ended, %s: %s", project, report.state, report.message,
    )  # fmt: skip
    return report


def _wants_memory(error: Exception) -> bool:
    """Whether it is for want of memory; torch says so in words alone."""
    return isinstance(error, MemoryError) or any(word in str(error) for word in ("out of memory", "can't allocate"))
