"""The whole examination: the order of the checks, and which failed checks make others pointless."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from ihp_backend.doctor.backend import backend
from ihp_backend.doctor.case import Case, Project, url_of
from ihp_backend.doctor.connection import connection, own_backends
from ihp_backend.doctor.finding import Finding, Mend, MendFailed
from ihp_backend.doctor.here import data_folder, disk, fine_tuning, memory, packages
from ihp_backend.doctor.label_studio import PLACE, address, token
from ihp_backend.doctor.labelling import labelling
from ihp_backend.doctor.labels import labels, set_up
from ihp_backend.doctor.model import model, versions
from ihp_backend.doctor.photographs import photographs
from ihp_backend.doctor.projects import connected_address, connected_projects, find_backend, load_project
from ihp_backend.doctor.refused_addresses import refused_addresses
from ihp_backend.doctor.shared_places import shared_places
from ihp_backend.doctor.webhooks import webhooks
from ihp_backend.label_studio.api.client import ApiError, LabelStudio
from ihp_backend.labels import is_background
from ihp_backend.server.server_settings import ServerSettings

_MOST_ROUNDS = 4


@dataclass(frozen=True)
class Change:
    """Change that ``--fix`` made.

    Attributes:
        mend: the change.
        refused: why it was not made; empty where it was.
    """

    mend: Mend
    refused: str = ""


def examine_machine(settings: ServerSettings) -> Iterator[Finding]:
    """Findings that need no server."""
    yield from packages()
    yield from fine_tuning()
    yield from data_folder(settings)
    yield from disk(settings)
    yield from memory()
    yield from shared_places(settings)
    yield from model(settings)
    yield from versions(settings)


def examine_servers(case: Case, *, with_photographs: bool = True) -> Iterator[Finding]:
    """Label Studio, the backend, and the projects that they have in common.

    Args:
        with_photographs: False leaves out the checks that take longest.
    """
    studio = case.studio
    if studio is None:
        yield from backend(case)
        remedy = "set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY to have Label Studio and its projects looked at"
        yield Finding("address", "error" if case.project else "warning", "LABEL_STUDIO_URL is not set", remedy, PLACE)
        return
    found = list(examine_label_studio(studio))
    yield from found
    if any(finding.level == "error" for finding in found):
        yield from backend(case)
        return
    try:
        projects = [load_project(studio, case.project)] if case.project else connected_projects(case, studio)
    except ApiError as error:
        yield Finding("projects", "error", error.found, error.remedy, PLACE)
        projects = []
    else:
        if not projects:
            remedy = f"Settings, Model, Connect Model: {case.backend_url}; or ihp doctor --project NUMBER --fix"
            yield Finding("projects", "error", f"no project has a backend at {case.backend_url}", remedy, PLACE)
    if not case.backend_named:
        case.backend_url = find_backend(case, projects) or case.backend_url
    yield from backend(case)
    yield from refused_addresses(studio, connected_address(case, projects))
    for each in projects:
        try:
            yield from _examine_project(case, studio, each, with_photographs)
        except ApiError as error:
            yield Finding("project", "error", error.found, error.remedy, each.place)


def examine_label_studio(studio: LabelStudio) -> Iterator[Finding]:
    """Label Studio's address, then its token; after an error nothing else can be asked."""
    for check in (address, token):
        found = list(check(studio))
        yield from found
        if any(finding.level == "error" for finding in found):
            return


def mend(case: Case) -> list[Change]:
    """Changes what can be changed, in rounds, as one change may show the next thing to do."""
    changes: list[Change] = []
    for _ in range(_MOST_ROUNDS):
        known = [change.mend for change in changes]
        found = examine_servers(case, with_photographs=False)
        mends = [finding.mend for finding in found if finding.mend and finding.mend not in known]
        if not mends:
            break
        for one in mends:
            try:
                one.apply()
            except (ApiError, MendFailed) as error:
                changes.append(Change(one, str(error)))
            else:
                changes.append(Change(one))
    return changes


def _examine_project(case: Case, studio: LabelStudio, project: Project, with_photographs: bool) -> Iterator[Finding]:
    yield from connection(case, studio, project)
    yield from webhooks(case, studio, project)
    found = list(labelling(studio, project))
    yield from found
    if any(finding.check == "labelling config" and finding.level == "error" for finding in found):
        return
    candidates = chain((url_of(own) for own in own_backends(case, project)), (case.backend_url,))
    url = next((url for url in candidates if case.is_ours(url)), None)
    told = set_up(case, project, url) if url else {}
    yield from labels(project, told)
    if project.record.get("show_collab_predictions"):
        found_text = "opening a task asks for masks of all labels at once, and clicks on these select them"
        remedy = "unless that is wanted: Settings, Annotation, switch off Use predictions to prelabel tasks"
        yield Finding("pre-annotation", "warning", found_text, remedy, project.place)
    if with_photographs:
        label = next((name for name in told.get("matched") or {} if not is_background(name)), None)
        yield from photographs(case, project, url, label)
