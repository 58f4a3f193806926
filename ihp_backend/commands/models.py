"""`ihp models`: the versions of a project, which one serves, and the way back."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from ihp_backend.commands.failing import failure
from ihp_backend.commands.opening import DataDir, Project, open_school

Version = Annotated[str, typer.Argument(help="The version's name.")]

models = typer.Typer(help="The model versions of a project.", no_args_is_help=True)


@models.command("list")
def list_versions(project: Project, data_dir: DataDir = None) -> None:
    """List the versions of a project, oldest first, and say which one serves."""
    from ihp_backend.retraining import StorageError

    school, _ = open_school(data_dir)
    try:
        serving = school.versions.current(project)
        for version in school.versions.versions(project):
            gate = _read(school.versions.folder(project, version) / "gate.json").get("reason", "no gate report")
            typer.echo(f"{'*' if version == serving else ' '} {version}  {gate}")
    except StorageError as error:
        raise failure(str(error)) from None
    if serving is None:
        typer.echo("* base model")


@models.command()
def show(project: Project, version: Version, data_dir: DataDir = None) -> None:
    """Show what a version was made of and what the gate said, as JSON."""
    from ihp_backend.retraining import StorageError

    school, _ = open_school(data_dir)
    try:
        folder = school.versions.check(project, version)
    except StorageError as error:
        raise failure(str(error)) from None
    typer.echo(json.dumps({name: _read(folder / f"{name}.json") for name in ("manifest", "gate")}, indent=1))


@models.command()
def promote(project: Project, version: Version, data_dir: DataDir = None) -> None:
    """Let a version serve, whatever the gate said."""
    from ihp_backend.retraining import StorageError

    school, _ = open_school(data_dir)
    try:
        school.versions.promote(project, version, "by hand")
    except StorageError as error:
        raise failure(str(error)) from None
    typer.echo(f"project {project}: {version} serves")


@models.command()
def rollback(project: Project, data_dir: DataDir = None) -> None:
    """Go back to the version that served before the present one."""
    from ihp_backend.retraining import StorageError

    school, _ = open_school(data_dir)
    try:
        before = school.versions.rollback(project)
    except StorageError as error:
        raise failure(str(error)) from None
    typer.echo(f"project {project}: {before or 'the base model'} serves")


@models.command()
def prune(
    project: Project,
    data_dir: DataDir = None,
    keep: Annotated[int, typer.Option(min=0, help="Versions to keep besides the one that serves and the last.")] = 5,
) -> None:
    """Remove old versions, never the one that serves nor the one before it."""
    from ihp_backend.retraining import StorageError

    school, _ = open_school(data_dir)
    try:
        removed = school.versions.prune(project, keep)
    except StorageError as error:
        raise failure(str(error)) from None
    typer.echo(f"project {project}: removed {', '.join(removed) or 'nothing'}")


@models.command()
def history(project: Project, data_dir: DataDir = None) -> None:
    """List when which version began to serve, and why."""
    from ihp_backend.retraining import StorageError

    school, _ = open_school(data_dir)
    try:
        promotions = school.versions.promotions(project)
    except StorageError as error:
        raise failure(str(error)) from None
    for promotion in promotions:
        moment = datetime.fromtimestamp(promotion.time).isoformat(" ", "seconds")
        typer.echo(f"{moment}  {promotion.version or 'base model'}  {promotion.reason}")


def _read(file: Path) -> dict[str, Any]:
    try:
        described = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return described if isinstance(described, dict) else {}
