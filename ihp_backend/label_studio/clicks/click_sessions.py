"""An interactive request made whole: what it names, what is saved, and what was clicked before."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ihp_backend.label_studio.clicks.active_prompts import ActivePrompts, Remembered
from ihp_backend.label_studio.clicks.click_memory import ClickMemory
from ihp_backend.label_studio.clicks.prompt_records import read_request
from ihp_backend.label_studio.clicks.prompts import PromptRequest
from ihp_backend.label_studio.clicks.saved_work import SavedWork, read_saved_work, read_signs
from ihp_backend.label_studio.config.labelling_config import LabellingConfig
from ihp_backend.label_studio.problems import Problem, problem
from ihp_backend.storage.storage_error import StorageError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ClickSession:
    """An annotator's work on a photograph after a request: that, the saved work, the active prompts, and problems."""

    sent: PromptRequest
    saved: SavedWork
    active: ActivePrompts
    problems: tuple[Problem, ...] = ()


def take_in(
    memory: ClickMemory,
    project: str,
    task_id: str,
    task: Mapping[str, Any],
    prompts: Sequence[Any],
    config: LabellingConfig,
) -> ClickSession:
    """Takes in an interactive request.

    Args:
        memory: of all tasks. If it cannot be used, the request and the saved work are what is known.
        project, task_id: whose work it is; a task without an id is answered without a memory.
        task: as it was sent.
        prompts: ``context.result``.
        config: the labelling config.
    """
    remembered: ClickMemory | None = memory if task_id else None
    signs: dict[str, bool] = {}
    problems: list[Problem] = []
    if remembered is not None:
        try:
            signs = remembered.signs(project, task_id)
        except StorageError as error:
            problems.append(_lost(error))
            remembered = None
    sent = read_request(prompts, config, {**signs, **read_signs(task)})
    problems += sent.problems
    saved = read_saved_work(task, config, sent.to_name, sent.page)
    active = None
    if remembered is not None:
        try:
            active = remembered.update(project, task_id, sent, saved)
        except StorageError as error:
            problems.append(_lost(error))
    if active is None:
        active = Remembered().take_in(sent, saved)
    if active.forgotten:
        problems.append(problem("context.result", f"{active.forgotten} clicks too many", "the oldest were left out"))
    logger.info(
        "project %.40r task %.40r: %d prompts sent, %d labels stand, %d answered",
        project, task_id, len(sent.prompts), len(active.prompts), len(active.answered),
    )  # fmt: skip
    return ClickSession(sent, saved, active, tuple(problems))


def with_latecomers(memory: ClickMemory, project: str, task_id: str, session: ClickSession) -> ClickSession | None:
    """The session with the clicks that came while it was being answered; None if there are none.

    Label Studio hands quick clicks on side by side, so that an earlier one may come later, and the page takes only the
    answer to its newest click.
    """
    try:
        active = memory.since(project, task_id, session.sent, session.saved, session.active) if task_id else None
    except StorageError:  # Told of when the request was taken in.
        return None
    return None if active is None else replace(session, active=active)


def _lost(error: StorageError) -> Problem:
    return problem("active prompts", str(error), "until then labels that were clicked before may be missing")
