"""A project's backends: this one is connected, reached, and the one that is asked for clicks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial

from ihp_backend.doctor.case import Case, Project, same_address, url_of
from ihp_backend.doctor.finding import Finding, Mend
from ihp_backend.label_studio.api.client import ApiError, LabelStudio, Record
from ihp_backend.server.credentials import PREDICT

TITLE = "IHP Backend"
_CONTAINER = "in a container, localhost is the container itself: connect http://host.docker.internal:PORT or its name"


def own_backends(case: Case, project: Project) -> list[Record]:
    """The entries among a project's backends that are this backend."""
    return [
        backend
        for backend in project.backends
        if same_address(url_of(backend), case.backend_url) or case.is_ours(url_of(backend))
    ]


def connection(case: Case, studio: LabelStudio, project: Project) -> Iterator[Finding]:
    """Findings on the project's connection: one for each backend, or that there is none."""
    own = own_backends(case, project)
    silent = [backend for backend in project.backends if backend not in own and case.is_silent(url_of(backend))]
    dead = [backend for backend in silent if case.is_dead(backend)]
    if not own and dead:
        yield _moved(case, studio, project, dead[0])
    elif not own and silent:
        found = f"Label Studio reaches {url_of(silent[0])}, but nobody answers there from here: it may be this backend"
        remedy = "run ihp doctor on the backend's machine, or name its address with --backend"
        yield Finding("connection", "warning", found, remedy, project.place)
    elif not own:
        remedy = f"Settings, Model, Connect Model: {case.backend_url}, with Interactive preannotations on"
        found = f"no backend at {case.backend_url} is connected"
        mend = None
        if case.is_ours(case.backend_url):
            body = {
                "project": project.id,
                "url": case.backend_url,
                "title": TITLE,
                "is_interactive": True,
                **case.login(case.backend_url),
            }
            change = partial(studio.change, "POST", "/api/ml/", body)
            mend = Mend(f"backend of project {project.id}", "none", case.backend_url, change)
        yield Finding("connection", "error", found, remedy, project.place, mend=mend)
    for backend in own:
        yield from _connected(case, studio, project, backend)
    yield from _overshadowed(project, own)


def _moved(case: Case, studio: LabelStudio, project: Project, backend: Record) -> Finding:
    url = url_of(backend)
    found = f"the connected backend {url} does not answer"
    remedy = f"start it there (ihp serve --port), or change its address under Settings, Model to {case.backend_url}"
    mend = None
    # Another program's backend may be asleep, so that a project has to be named, or the backend to have our title.
    if case.is_ours(case.backend_url) and (case.project or backend.get("title") == TITLE):
        # The entry is changed, not replaced: with a backend Label Studio deletes its predictions.
        change = _patch(case, studio, project, backend, case.backend_url)
        mend = Mend(f"address of backend {backend.get('id')}", url, case.backend_url, change)
    return Finding("connection", "error", found, remedy, project.place, mend=mend)


def _connected(case: Case, studio: LabelStudio, project: Project, backend: Record) -> Iterator[Finding]:
    url, place = url_of(backend), project.place
    if not backend.get("is_interactive"):
        remedy = "Settings, Model, Edit: switch on Interactive preannotations"
        mend = None
        if case.is_ours(url):
            what = f"interactive preannotations of backend {backend.get('id')}"
            mend = Mend(what, "off", "on", _patch(case, studio, project, backend, url))
        yield Finding("connection", "error", f"{url} is connected, but not asked for clicks", remedy, place, mend=mend)
        return
    allowed = case.with_right(PREDICT)
    users = [one.name for one in case.settings.credentials if PREDICT in one.rights]
    if allowed and (backend.get("basic_auth_user") not in users or not backend.get("basic_auth_pass_is_set")):
        found = f"Label Studio asks {url} without a user and password that may ask: it is refused"
        remedy = (
            "Settings, Model, Edit: basic authentication with an entry of IHP_CREDENTIALS_FILE; or "
            f"ihp doctor --fix --backend {url}"
        )
        mend = None
        if case.is_ours(url) and case.trusts(url):
            change = _patch(case, studio, project, backend, url)
            mend = Mend(
                f"user of backend {backend.get('id')}", str(backend.get("basic_auth_user")), allowed.name, change
            )
        yield Finding("connection", "error", found, remedy, place, mend=mend)
        return
    state = str(backend.get("readable_state") or backend.get("state"))
    if backend.get("state") in ("DI", "ER"):
        found = f"Label Studio's state of {url} is {state}: {backend.get('error_message') or 'it cannot be reached'}"
        remedy = (
            f"the backend is reached from here, so only Label Studio's way is cut: {_CONTAINER}; see backend address"
            if case.is_ours(url)
            else "start it: ihp serve"
        )
        yield Finding("connection", "error", found, remedy, place)
        return
    yield _reached_by_label_studio(case, studio, project, backend)


def _reached_by_label_studio(case: Case, studio: LabelStudio, project: Project, backend: Record) -> Finding:
    """A click's way without a click: an empty list of them is answered at once, and nothing is remembered of it."""
    path = f"/api/ml/{backend.get('id')}"
    body: Record = {}
    if project.tasks:
        path, body = f"{path}/interactive-annotating", {"task": project.tasks[0].get("id"), "context": {"result": []}}
    try:
        answer = studio.ask("POST" if body else "GET", path, body or None)
    except ApiError as error:
        return Finding("connection", "error", error.found, error.remedy, project.place)
    said = answer.content.get("errors") if isinstance(answer.content, dict) else None
    if said or not answer.ok:
        found = f"Label Studio's way to {url_of(backend)} fails, and its editor shows nothing: {said or answer.detail}"
        if case.settings.credentials and re.search(r"\b40[13]\b", found):
            remedy = f"it has a secret that is refused: ihp doctor --fix --backend {url_of(backend)}"
            mend = None
            if login := case.login(url_of(backend)):
                change = _patch(case, studio, project, backend, url_of(backend))
                what = f"secret of backend {backend.get('id')}"
                mend = Mend(what, "refused", f"that of {login['basic_auth_user']!r}", change)
            return Finding("connection", "error", found, remedy, project.place, answer.milliseconds, mend)
        remedy = f"look into the logs of both; {_CONTAINER}"
        return Finding("connection", "error", found, remedy, project.place, answer.milliseconds)
    found = f"Label Studio asks {url_of(backend)} for clicks"
    return Finding("connection", "ok", found, "", project.place, answer.milliseconds)


def _overshadowed(project: Project, own: list[Record]) -> Iterator[Finding]:
    """Finding on several interactive backends: Label Studio asks only the first."""
    interactive = [backend for backend in project.backends if backend.get("is_interactive")]
    if own and interactive and interactive[0] not in own:
        url = url_of(interactive[0])
        found = f"clicks go to another interactive backend, {url}, which comes first"
        remedy = (
            "Settings, Model: switch off its Interactive preannotations, or delete it (with the predictions it made)"
        )
        yield Finding("first backend", "error", found, remedy, project.place)


def _patch(case: Case, studio: LabelStudio, project: Project, backend: Record, url: str) -> Callable[[], None]:
    """Makes a backend interactive and gives it an address and, where it needs them, user and password."""
    body = {"project": project.id, "url": url, "title": backend.get("title"), "is_interactive": True}
    body |= case.login(url)
    return partial(studio.change, "PATCH", f"/api/ml/{backend.get('id')}", body)
