"""Forgetting: photographs of tasks that were deleted in Label Studio go, with all else that is known of such a task.

A task counts as deleted only by Label Studio's own word: an event that says so, or its answer that there is no such
task in a project that it does show. It is asked again before anything goes. No answer, a refusal and the answer of
another server say nothing.

Weights that learned from a photograph stay (docs/security.md).
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Container, Iterable
from dataclasses import dataclass
from pathlib import PurePath

from ihp_backend.annotation_store.changes import TasksWithdrawn
from ihp_backend.finetuning.accepted_set import AcceptedSet
from ihp_backend.finetuning.workspace import ACCEPTED, Workspace
from ihp_backend.label_studio.annotations.annotation_events import without_tasks
from ihp_backend.label_studio.api.client import LabelStudio
from ihp_backend.label_studio.web.image_cache import ImageCache
from ihp_backend.label_studio.web.image_settings import ImageSettings
from ihp_backend.model_registry.versions import MANIFEST, VersionStore
from ihp_backend.storage.atomic_files import as_json
from ihp_backend.storage.storage_error import StorageError

logger = logging.getLogger(__name__)

_DAY = 86400.0


@dataclass(frozen=True)
class Forgotten:
    """What went of some tasks, or would go.

    Attributes:
        tasks: by number.
        photographs: that no other task uses.
        events: of which only ids are left.
        pictures: before and after a fine-tuning job, in the folders of versions.
    """

    tasks: tuple[int, ...]
    photographs: int
    events: int
    pictures: int


class JobRuns(RuntimeError):
    """A fine-tuning job of the project runs, and has what is to be forgotten."""


def still_there(images: ImageSettings, kind: str, number: int | str) -> bool:
    """Whether Label Studio has a thing of a kind, "tasks" or "projects"; False where no Label Studio is known, too.

    Raises:
        ApiError: it does not say.
    """
    if images.label_studio_url is None:
        return False
    return LabelStudio(images, pauses=()).exists(f"/api/{kind}/{int(number)}/")


def due_tasks(workspace: Workspace, images: ImageSettings, project: str, days: int) -> list[int]:
    """Tasks that were deleted so many days ago, and are not there now, as Label Studio says where one is known.

    Raises:
        ApiError: it does not say.
        StorageError: the annotation store cannot be read.
    """
    deleted = workspace.annotation_store.deleted_tasks(project, time.time() - days * _DAY)
    if deleted and images.label_studio_url is not None:
        # A token that lost the project is told of each of its tasks that there is no such task.
        LabelStudio(images, pauses=()).project(project)
    return [task for task in deleted if not still_there(images, "tasks", task)]


def forget(
    workspace: Workspace, images: ImageSettings, project: str, tasks: Iterable[int] | None, *, dry_run: bool = False
) -> Forgotten:
    """Removes what there is of some tasks of a project; whatever is killed, the next time removes what is left.

    Args:
        workspace: everything there is.
        images: name the folder of fetched images.
        project: whose tasks.
        tasks: which; None: all that there ever were.
        dry_run: only counts.

    Raises:
        JobRuns: see there; nothing was removed.
        StorageError, OSError: something cannot be read or removed.
    """
    store, photographs, accepted = workspace.annotation_store, workspace.photographs, workspace.accepted(project)
    _note_uses(workspace, project, accepted)
    if tasks is None:
        known = store.tasks(project), photographs.tasks(project), store.deleted_tasks(project, before=math.inf)
        numbers = frozenset[int]().union(*known)
    else:
        numbers = frozenset(tasks)
    gone: Container[int] = _EveryTask() if tasks is None else numbers
    versions = workspace.versions.versions(project)
    going = photographs.used_only_by(project, gone)
    pictures = [
        (version, picture) for version in versions for picture in _pictures(workspace.versions, project, version, gone)
    ]

    def replace_events() -> int:
        return workspace.inbox.forget(
            lambda event: without_tasks(event, project, gone), store.ingested, dry_run=dry_run
        )

    if dry_run:
        return Forgotten(tuple(sorted(numbers)), len(going), replace_events(), len(pictures))
    with workspace.progress(project).alone() as alone:
        if not alone:
            raise JobRuns(f"project {project}: a fine-tuning job runs; ihp train {project} --stop, or try again later")
        if unheard_of := numbers & store.tasks(project):
            store.note(TasksWithdrawn(project, tuple(unheard_of)))
        accepted.forget(gone)
        workspace.progress(project).clear()
        for version, picture in pictures:
            workspace.versions.remove(project, version, picture)
        for version in versions:
            _forget_in_manifest(workspace.versions, project, version, gone)
        if images.cache_dir is not None:
            ImageCache(images.cache_dir, images.cache_bytes).forget(going, unused_since=0.0)
        photographs.forget(project, gone)
        memory = workspace.click_memory()
        for task in numbers:
            memory.forget(project, str(task))
        events = replace_events()
        store.forget(project, numbers)  # Last: until then they are due.
    return Forgotten(tuple(sorted(numbers)), len(going), events, len(pictures))


class _EveryTask(Container[int]):
    """All tasks of a project, those included of which only events tell."""

    def __contains__(self, task: object) -> bool:
        return True


def forget_unused(workspace: Workspace, images: ImageSettings, days: int, *, dry_run: bool = False) -> int:
    """Removes photographs that belong to no known task, fetched images that nobody asked for, and clicks that expired.

    Gives how many photographs are of no known task: earlier releases did not note whose they are.

    Raises:
        StorageError: something cannot be read or removed.
    """
    before, store = time.time() - days * _DAY, workspace.annotation_store
    projects = {*store.projects(), *(folder.name for folder in (workspace.data_dir / ACCEPTED).glob("*"))}
    noted = {project for project in projects if _note_uses(workspace, project, workspace.accepted(project))}
    if waiting := [project for project in store.projects() if project not in noted and store.annotators(project)]:
        # Whose photographs they are is not known before the accepted set is made again.
        logger.info("photographs without a task stay until the accepted annotations of project %s are read", waiting[0])
        return 0
    unused = len(workspace.photographs.unused(before))
    if not dry_run:
        workspace.photographs.forget_unused(before)
        if images.cache_dir is not None:
            ImageCache(images.cache_dir, images.cache_bytes).forget((), unused_since=before)
        workspace.click_memory().forget_expired()
    return unused


def forget_due(workspace: Workspace, images: ImageSettings, days: int) -> None:
    """Removes what is due in all projects, and logs it; a project that has to wait does not hold up the others."""
    for project in workspace.annotation_store.projects():
        try:
            if tasks := due_tasks(workspace, images, project, days):
                gone = forget(workspace, images, project, tasks)
                logger.info(
                    "project %s: %d deleted tasks forgotten, with %d photographs", project, len(tasks), gone.photographs
                )
        except (RuntimeError, ValueError, OSError) as error:
            logger.warning("project %s: deleted tasks are not forgotten yet: %s", project, error)
    try:
        forget_unused(workspace, images, days)
    except (StorageError, OSError) as error:
        logger.warning("photographs without a task are not forgotten yet: %s", error)


def _note_uses(workspace: Workspace, project: str, accepted: AcceptedSet) -> bool:
    """Notes whose the photographs of before that was noted are; False where no index of the project says so."""
    if (index := accepted.read()) is None:
        return False
    workspace.photographs.note_uses(project, [(item.task, item.photograph) for item in index.items])
    return True


def _pictures(versions: VersionStore, project: str, version: str, tasks: Container[int]) -> list[str]:
    """A version's pictures of some tasks; those of earlier releases do not say whose they are, so that any goes."""
    made_of = [item.get("task") for item in _photographs(versions.report(project, version, MANIFEST))]
    touched = any(task in tasks for task in made_of if isinstance(task, int))
    pictures = []
    for picture in versions.pictures(project, version):
        task = PurePath(picture).stem.partition("-")[2]
        if int(task) in tasks if task.isdecimal() else touched:
            pictures.append(picture)
    return pictures


def _forget_in_manifest(versions: VersionStore, project: str, version: str, tasks: Container[int]) -> None:
    manifest = versions.report(project, version, MANIFEST)
    listed = _photographs(manifest)
    left = [{"task": item["task"]} if item.get("task") in tasks else item for item in listed]
    if left != listed:
        versions.write(project, version, MANIFEST, as_json({**manifest, "photographs": left}).encode())


def _photographs(manifest: dict[str, object]) -> list[dict[str, object]]:
    listed = manifest.get("photographs")
    return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
