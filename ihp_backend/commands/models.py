"""`ihp models`: the versions of a project, which one serves, and the way back."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ihp_backend.commands.shared import DataDir, Project, open_workspace, told
from ihp_backend.model_registry.versions import GATE, MANIFEST

if TYPE_CHECKING:
    from ihp_backend.model_registry.versions import VersionStore

Version = Annotated[str, typer.Argument(help="The version's name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]

models = typer.Typer(help="The model versions of a project.", no_args_is_help=True)


@models.command("list")
def list_versions(project: Project, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the versions of a project, oldest first, and say which one serves."""
    versions, error = _open(data_dir)
    with told(error):
        serving = versions.current(project)
        gates = {
            version: versions.report(project, version, GATE).get("reason", "no gate report")
            for version in versions.versions(project)
        }
    if as_json:
        listed = [{"version": version, "gate": gate} for version, gate in gates.items()]
        typer.echo(json.dumps({"serving": serving, "versions": listed}, indent=1))
        return
    for version, gate in gates.items():
        typer.echo(f"{'*' if version == serving else ' '} {version}  {gate}")
    typer.echo(f"{' ' if serving else '*'} base model")


@models.command()
def show(project: Project, version: Version, data_dir: DataDir = None) -> None:
    """Show what a version was made of and what the gate said, as JSON."""
    versions, error = _open(data_dir)
    with told(error):
        versions.check(project, version)
        reports = {
            "manifest": versions.report(project, version, MANIFEST),
            "gate": versions.report(project, version, GATE),
        }
    typer.echo(json.dumps(reports, indent=1))


@models.command()
def promote(project: Project, version: Version, data_dir: DataDir = None) -> None:
    """Let a version serve, whatever the gate said."""
    versions, error = _open(data_dir)
    with told(error):
        versions.promote(project, version, "by hand")
    typer.echo(f"project {project}: {version} serves")


@models.command()
def rollback(project: Project, data_dir: DataDir = None) -> None:
    """Go back to the version that served before the present one."""
    versions, error = _open(data_dir)
    with told(error):
        before = versions.rollback(project)
    typer.echo(f"project {project}: {before or 'the base model'} serves")


@models.command()
def prune(
    project: Project,
    data_dir: DataDir = None,
    keep: Annotated[int, typer.Option(min=0, help="Versions to keep besides the one that serves and the last.")] = 5,
) -> None:
    """Remove old versions, never the one that serves nor the one before it."""
    versions, error = _open(data_dir)
    with told(error):
        removed = versions.prune(project, keep)
    typer.echo(f"project {project}: removed {', '.join(removed) or 'nothing'}")


@models.command()
def history(project: Project, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List when which version began to serve, and why."""
    versions, error = _open(data_dir)
    with told(error):
        promotions = versions.promotions(project)
    if as_json:
        listed = [{**asdict(promotion), "version": promotion.version or None} for promotion in promotions]
        typer.echo(json.dumps(listed, indent=1))
        return
    for promotion in promotions:
        moment = datetime.fromtimestamp(promotion.time).isoformat(" ", "seconds")
        typer.echo(f"{moment}  {promotion.version or 'base model'}  {promotion.reason}")


def _open(data_dir: Path | None) -> tuple[VersionStore, type[Exception]]:
    """The versions, and what they raise; both are imported here, so that ``ihp --help`` answers at once."""
    from ihp_backend.storage.storage_error import StorageError

    return open_workspace(data_dir, existing=True)[0].versions, StorageError
