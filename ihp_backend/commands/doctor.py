"""`ihp doctor`: what is wrong with an installation, and what cures it."""

from __future__ import annotations

import json
import os
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from ihp_backend.commands.shared import failure

if TYPE_CHECKING:
    from ihp_backend.doctor.examination import Change
    from ihp_backend.doctor.finding import Finding

_SIGNS = {"ok": "[green]✓[/]", "warning": "[yellow]![/]", "error": "[red]✗[/]"}


def doctor(
    project: Annotated[
        int | None, typer.Option(min=1, help="The project's number; by default all with this backend connected.")
    ] = None,
    backend: Annotated[
        str | None, typer.Option(help="The backend's address as Label Studio calls it; by default this machine's.")
    ] = None,
    label_studio_url: Annotated[
        str | None, typer.Option(envvar="LABEL_STUDIO_URL", help="Its token comes from LABEL_STUDIO_API_KEY.")
    ] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Change what Label Studio's API can change without loss.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Look for what is wrong: machine, model, backend, Label Studio, tokens, webhooks, labelling configs, photographs.

    Ends with status 1 if something is wrong, with 0 if nothing is, or only warnings are left.
    """
    from ihp_backend.doctor.case import Case, listening_at
    from ihp_backend.doctor.examination import examine_machine, examine_servers, mend
    from ihp_backend.label_studio.api.client import LabelStudio
    from ihp_backend.label_studio.web.label_studio_address import unwrapped, why_no_address
    from ihp_backend.server.server_settings import ServerSettings, SettingsError

    try:
        settings = ServerSettings.from_environment({**os.environ, "LABEL_STUDIO_URL": label_studio_url or ""})
    except SettingsError as error:
        raise failure(str(error)) from None
    backend = None if backend is None else unwrapped(backend)
    if backend is not None and (why := why_no_address(backend, "http://127.0.0.1:9090")):
        raise failure(f"backend: {why}")
    case = Case(
        settings,
        LabelStudio(settings.images, pauses=()) if settings.images.label_studio_url else None,
        (backend or listening_at(settings)).rstrip("/"),
        project,
        backend_named=backend is not None,
    )
    changes = mend(case) if fix else []
    findings = [*examine_machine(settings), *examine_servers(case)]
    wrong = sum(finding.level == "error" for finding in findings)
    if as_json:
        told = {
            "ok": not wrong,
            "findings": [finding.to_json() for finding in findings],
            "changes": [{**change.mend.to_json(), "refused": change.refused or None} for change in changes],
        }
        typer.echo(json.dumps(told, indent=1, ensure_ascii=False))
    else:
        _show(findings, changes, fix)
    raise typer.Exit(1 if wrong else 0)


def _show(findings: list[Finding], changes: list[Change], fix: bool) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    for change in changes:
        console.print(f"[bold]{'refused' if change.refused else 'changed'}[/] {escape(change.mend.what)}")
        console.print(f"  before: {change.mend.before}\n  after:  {change.mend.after}", markup=False)
        if change.refused:
            console.print(f"  {change.refused}", markup=False)
    order = {place: number for number, place in enumerate(dict.fromkeys(finding.place for finding in findings))}
    for place, group in groupby(sorted(findings, key=lambda finding: order[finding.place]), lambda one: one.place):
        table = Table("", "check", "found", "ms", title=place, title_justify="left", expand=True)
        table.columns[2].ratio, table.columns[2].overflow = 1, "fold"
        table.columns[3].justify = "right"
        for finding in group:
            cure = f"\n[bold]→[/] {escape(finding.remedy)}" if finding.remedy else ""
            mendable = "\n[bold]→[/] ihp doctor --fix does it" if finding.mend and not fix else ""
            took = "" if finding.milliseconds is None else f"{finding.milliseconds:.0f}"
            table.add_row(_SIGNS[finding.level], finding.check, escape(finding.found) + cure + mendable, took)
        console.print(table)
    errors, warnings = (sum(finding.level == level for finding in findings) for level in ("error", "warning"))
    console.print(f"errors: {errors}, warnings: {warnings}" if errors or warnings else "nothing is wrong")
