"""`ihp forget`: photographs of tasks that were deleted in Label Studio go, with all else that is known of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ihp_backend.commands.shared import DataDir, ForgetAfter, failure, open_workspace

if TYPE_CHECKING:
    from ihp_backend.finetuning.forgetting import Forgotten


def forget(
    data_dir: DataDir = None,
    project: Annotated[
        int | None, typer.Option(min=1, help="Forget all of this project at once; it must be deleted in Label Studio.")
    ] = None,
    task: Annotated[
        list[int] | None, typer.Option(min=1, help="Only this task of the project; give it once per task.")
    ] = None,
    forget_after: ForgetAfter = 30,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and remove nothing.")] = False,
) -> None:
    """Remove what is kept of deleted tasks; without a project, of those that were deleted long enough ago.

    `ihp worker` does that by itself. Model weights that learned from a photograph stay.
    """
    from ihp_backend.finetuning.forgetting import JobRuns, due_tasks, forget_unused, still_there
    from ihp_backend.finetuning.forgetting import forget as remove
    from ihp_backend.finetuning.ingest import ingest
    from ihp_backend.label_studio.api.client import ApiError
    from ihp_backend.storage.storage_error import StorageError

    if task and project is None:
        raise failure("task: which project it is of is not known; give that with --project")
    workspace, images = open_workspace(data_dir, existing=True)
    try:
        ingest(workspace.inbox, workspace.annotation_store)
        if project is not None:
            key = str(project)
            kind, numbers = ("tasks", task) if task else ("projects", [project])
            for number in numbers:
                if still_there(images, kind, number):
                    raise failure(f"{kind}: Label Studio has {number} still, so it would come again; delete it there")
            _tell(key, remove(workspace, images, key, task or None, dry_run=dry_run), dry_run)
            return
        for key in workspace.annotation_store.projects():
            if tasks := due_tasks(workspace, images, key, forget_after):
                _tell(key, remove(workspace, images, key, tasks, dry_run=dry_run), dry_run)
        unused = forget_unused(workspace, images, forget_after, dry_run=dry_run)
    except (ApiError, JobRuns, StorageError, OSError) as error:
        raise failure(str(error)) from None
    typer.echo(f"photographs of no known task: {unused} {'would go' if dry_run else 'are gone'}")


def _tell(project: str, gone: Forgotten, dry_run: bool) -> None:
    numbers = ", ".join(map(str, gone.tasks[:20])) + (", ..." if len(gone.tasks) > 20 else "")
    typer.echo(
        f"project {project}: {len(gone.tasks)} tasks ({numbers}): {gone.photographs} photographs, what {gone.events} "
        f"events said, and {gone.pictures} pictures of versions {'would go' if dry_run else 'are gone'}"
    )
