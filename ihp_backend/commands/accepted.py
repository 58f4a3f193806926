"""`ihp accepted` and `ihp sync`: what has been accepted, shown, exported, and fetched from Label Studio itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ihp_backend.commands.shared import DataDir, Project, failure, open_workspace

if TYPE_CHECKING:
    from ihp_backend.finetuning.accepted_index import Index


def accepted(
    project: Project,
    data_dir: DataDir = None,
    policy: Annotated[
        Literal["newest", "agreed"], typer.Option(help="Of several annotators: the newest, or what all drew alike.")
    ] = "newest",
    export: Annotated[Path | None, typer.Option(help="Write photographs and masks into this folder.")] = None,
    form: Annotated[
        Literal["png", "coco", "yolo", "mmseg"],
        typer.Option("--format", help="Of the export: masks with a palette, COCO, YOLO (polygons) or MMSegmentation."),
    ] = "png",
    undrawn: Annotated[
        Literal["background", "ignored"], typer.Option(help="What pixels become in the export that nobody drew.")
    ] = "background",
    as_json: Annotated[bool, typer.Option("--json", help="Print the index as JSON.")] = False,
) -> None:
    """List the accepted photographs of a project, and why tasks are left out; export them as a data set."""
    from rich.console import Console
    from rich.progress import Progress

    from ihp_backend.finetuning.accepted_export import ExportError
    from ihp_backend.finetuning.accepted_export import export as write
    from ihp_backend.label_studio.annotations.accepted_annotation import AcceptedError
    from ihp_backend.storage.storage_error import StorageError

    workspace, images = open_workspace(data_dir, existing=True)
    unsaid = 0
    try:
        index = workspace.bring_up_to_date(project, images, policy)
        if export is not None:
            with Progress(console=Console(stderr=True), transient=True) as shown:
                bar = shown.add_task("exporting", total=len(index.items))
                parts = (workspace.accepted(project), index, workspace.photographs, export)
                unsaid = write(*parts, form, undrawn, lambda: shown.advance(bar))
    except (AcceptedError, ExportError, StorageError) as error:
        raise failure(str(error)) from None
    except OSError as error:
        raise failure(f"export: {export} cannot be written ({error}); give another folder") from None
    if as_json:
        typer.echo(json.dumps(index.to_json(), indent=1))
    else:
        _show(index)
    if export is not None:
        check = (
            f"python -m training.prepare folder --root {export}{' --option first_id=0' if undrawn == 'ignored' else ''}"
        )
        opens = f"; {check} checks it" if form in ("png", "mmseg") else ""
        typer.echo(f"{export}: {len(index.items)} photographs as {form}, undrawn pixels {undrawn}{opens}", err=as_json)
        if unsaid:
            typer.echo(
                f"ihp: {unsaid} photographs have pixels of which nothing is known: background in {form}", err=True
            )


def sync(project: Project, data_dir: DataDir = None) -> None:
    """Fetch from Label Studio what its webhooks did not tell: afterwards the accepted set is what Label Studio has."""
    from ihp_backend.finetuning.ingest import ingest
    from ihp_backend.finetuning.ingest import sync as fetch
    from ihp_backend.label_studio.api.client import ApiError, LabelStudio
    from ihp_backend.storage.storage_error import StorageError

    workspace, images = open_workspace(data_dir)
    try:
        ingest(workspace.inbox, workspace.annotation_store)
        different = fetch(LabelStudio(images, pauses=()), workspace.annotation_store, project)
        current = len({annotation.task for annotation in workspace.annotation_store.current(project)})
    except (ApiError, StorageError) as error:
        raise failure(str(error)) from None
    typer.echo(f"project {project}: {different} differences mended, {current} tasks annotated")


def _show(index: Index) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    table = Table("task", "annotations", "split", "seconds", "clicks", "as suggested", "model version")
    for item in index.items:
        seconds = "" if item.seconds is None else f"{item.seconds:.0f}"
        clicks = "" if item.clicks is None else str(item.clicks)
        annotations = ", ".join(map(str, item.annotations))
        version = escape(item.model_version or "")
        table.add_row(str(item.task), annotations, item.split, seconds, clicks, f"{item.untouched:.0%}", version)
    console.print(table)
    for item in index.items:
        for note in item.notes:
            console.print(f"not used: task {item.task}: {note}", markup=False, soft_wrap=True)
    for task, reason in index.left_out.items():
        console.print(f"left out: task {task}: {reason}", markup=False, soft_wrap=True)
    held_out = sum(item.split == "held-out" for item in index.items)
    console.print(f"{len(index.items)} photographs, {held_out} of them held out; {len(index.left_out)} tasks left out")
