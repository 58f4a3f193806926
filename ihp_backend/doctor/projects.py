"""Projects that are examined, and Label Studio's settings of them."""

from __future__ import annotations

from ihp_backend.doctor.case import REACHED, Case, Project, same_address, url_of
from ihp_backend.label_studio.api.client import LabelStudio, Record
from ihp_backend.label_studio.loose_json import objects

MOST_PROJECTS = 1000


def load_project(studio: LabelStudio, number: int) -> Project:
    """A project with its backends and a few of its tasks.

    Raises:
        ApiError: there is no such project, or the token's user does not see it.
    """
    record, backends = studio.project(number), studio.backends(number)
    first = _page(studio, number, 1)
    count = int(first.get("total") or 0)
    tasks = {1: objects(first.get("tasks"))}
    for page in sorted({(count + 1) // 2, count} - {0, 1}):
        tasks[page] = objects(_page(studio, number, page).get("tasks"))
    sample = tuple(task for page in sorted(tasks) for task in tasks[page])
    return Project(number, record, tuple(backends), sample, count)


def connected_projects(case: Case, studio: LabelStudio) -> list[Project]:
    """All projects with this backend, and those whose interactive backend does not answer, as it may have moved."""
    found = []
    records = studio.records("/api/projects/", page_size=MOST_PROJECTS, include="id")
    for number in sorted(int(record["id"]) for record in records):
        if any(_concerns(case, backend) for backend in studio.backends(number)):
            found.append(load_project(studio, number))
    return found


def find_backend(case: Case, projects: list[Project]) -> str | None:
    """The address of a backend of this kind that answers, the one that was expected before others."""
    connected = [url_of(backend) for project in projects for backend in project.backends]
    return next((url for url in (case.backend_url, *connected) if case.is_ours(url)), None)


def connected_address(case: Case, projects: list[Project]) -> str:
    """The backend's address as Label Studio has it; the expected one where none is connected."""
    connected = [backend for project in projects for backend in project.backends]
    own = [url_of(one) for one in connected if case.is_ours(url_of(one))]
    # What only Label Studio reaches may be this backend under the name that it has there.
    own += [url_of(one) for one in connected if one.get("state") == REACHED and case.is_silent(url_of(one))]
    return case.backend_url if case.backend_named or not own else own[0]


def _concerns(case: Case, backend: Record) -> bool:
    url = url_of(backend)
    dead = bool(backend.get("is_interactive")) and case.is_dead(backend)
    return dead or same_address(url, case.backend_url) or case.is_ours(url)


def _page(studio: LabelStudio, number: int, page: int) -> Record:
    return studio.get_with("/api/tasks/", "tasks", list, project=number, page=page, page_size=1)
