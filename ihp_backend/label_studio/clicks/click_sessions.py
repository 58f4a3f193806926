"""An interactive request made whole: what it names, what is saved, and what was clicked before."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ihp_backend.label_studio.clicks.click_memory import ClickMemory
from ihp_backend.label_studio.clicks.prompt_records import read_request
from ihp_backend.label_studio.clicks.prompts import PromptRequest
from ihp_backend.label_studio.clicks.saved_work import SavedWork, read_saved_work, read_signs
from ihp_backend.label_studio.clicks.standing_clicks import Remembered, Standing
from ihp_backend.label_studio.config.labelling_config import LabellingConfig
from ihp_backend.label_studio.problems import Problem, problem
from ihp_backend.retraining.storage import StorageError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ClickSession:
    """An annotator's work on a photograph after a request: the request, the saved work and what stands."""

    sent: PromptRequest
    saved: SavedWork
    standing: Standing


def take_in(
    memory: ClickMemory,
    project: str,
    task_id: str,
    task: Mapping[str, Any],
    prompts: Sequence[Any],
    config: LabellingConfig,
    problems: list[Problem],
) -> ClickSession:
    """Takes in an interactive request.

    Args:
        memory: of all tasks. If it cannot be used, the request and the saved work are what is known.
        project, task_id: whose work it is; a task without an id is answered without a memory.
        task: as it was sent.
        prompts: ``context.result``.
        config: the labelling config.
        problems: is told what was wrong.
    """
    remembered: ClickMemory | None = memory if task_id else None
    signs: dict[str, bool] = {}
    if remembered is not None:
        try:
            signs = remembered.signs(project, task_id)
        except StorageError as error:
            problems.append(_lost(error))
            remembered = None
    sent = read_request(prompts, config, {**signs, **read_signs(task)})
    problems += sent.problems
    saved = read_saved_work(task, config, sent.to_name, sent.page)
    standing = None
    if remembered is not None:
        try:
            standing = remembered.update(project, task_id, sent, saved)
        except StorageError as error:
            problems.append(_lost(error))
    if standing is None:
        standing = Remembered().take_in(sent, saved)
    if standing.forgotten:
        problems.append(problem("context.result", f"{standing.forgotten} clicks too many", "the oldest were left out"))
    logger.info(
        "project %.40r task %.40r: %d prompts sent, %d labels stand, %d answered",
        project, task_id, len(sent.prompts), len(standing.prompts), len(standing.answered),
    )  # fmt: skip
    return ClickSession(sent, saved, standing)


def with_latecomers(memory: ClickMemory, project: str, task_id: str, session: ClickSession) -> ClickSession | None:
    """The session with the clicks that came while it was being answered; None if there are none.

    Label Studio hands quick clicks on side by side, so that an earlier one may come later, and the page takes only the
    answer to its newest click.
    """
    try:
        standing = memory.since(project, task_id, session.sent, session.saved, session.standing) if task_id else None
    except StorageError:  # Told of when the request was taken in.
        return None
    return None if standing is None else replace(session, standing=standing)


def _lost(error: StorageError) -> Problem:
    return problem("standing clicks", str(error), "until then labels that were clicked before may be missing")
