"""A project's webhooks: exactly one that tells this backend of every event, and none to where it once was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from ihp_backend.doctor.case import REACHED, Case, Project, same_address, same_host, url_of
from ihp_backend.doctor.connection import own_backends
from ihp_backend.doctor.finding import Finding, Mend
from ihp_backend.label_studio.api.client import LabelStudio, Record
from ihp_backend.server.credentials import TEACH, shown_by

_WHOLE: dict[str, Any] = {"send_payload": True, "send_for_all_actions": True, "is_active": True}


def webhooks(case: Case, studio: LabelStudio, project: Project) -> Iterator[Finding]:
    """Findings on webhooks: that of each connected backend of this kind, then those that lead nowhere."""
    listed = studio.records("/api/webhooks/", page_size=1000)
    hooks = [hook for hook in listed if hook.get("project") in (project.id, None)]
    own = own_backends(case, project)
    for backend in own[:1]:
        yield from _of_backend(case, studio, project, f"{url_of(backend)}/webhook", hooks)
    backends = [f"{url_of(backend)}/webhook" for backend in project.backends]
    for hook in hooks:
        yield from _stale(case, studio, project, hook, backends, own)


def _of_backend(
    case: Case, studio: LabelStudio, project: Project, wanted: str, hooks: list[Record]
) -> Iterator[Finding]:
    place = project.place
    teacher, header = case.with_right(TEACH), case.header(wanted)
    ours = [hook for hook in hooks if same_address(url_of(hook), wanted)]
    if not ours:
        remedy = (
            f"Settings, Webhooks, Add Webhook: {wanted}, for all actions, with payload; then ihp sync {project.id} "
            "fetches what was missed"
        )
        body = {"project": project.id, "url": wanted, **_WHOLE, **header}
        change: Callable[[], None] = partial(studio.change, "POST", "/api/webhooks/", body)
        mend = Mend(f"webhook of project {project.id}", "none", wanted, change)
        found = "missing: annotations do not reach the backend"
        yield Finding("webhook", "error", found, remedy, place, mend=mend)
        return
    whole = [hook for hook in ours if all(hook.get(name) == value for name, value in _WHOLE.items())]
    if not whole:
        hook = ours[0]
        off = [name for name, value in _WHOLE.items() if hook.get(name) != value]
        remedy = f"Settings, Webhooks: switch on {', '.join(off)}; then ihp sync {project.id} fetches what was missed"
        change = _made_whole(studio, hook, header)
        mend = Mend(f"webhook {hook.get('id')}", f"{', '.join(off)} off", "on", change)
        yield Finding("webhook", "error", f"{wanted} has {', '.join(off)} off", remedy, place, mend=mend)
        return
    secrets = [dict(hook.get("headers") or {}).get("Authorization") for hook in whole]
    if teacher and not any(_shows(secret, case) for secret in secrets):
        hook = whole[0]
        change = _made_whole(studio, hook, header)
        what = f"webhook {hook.get('id')}"
        given = Mend(what, "no valid credential", f"the credential {teacher.name!r}", change) if header else None
        found = f"{wanted} shows no credential that may teach: its events are refused"
        remedy = (
            "Settings, Webhooks: add the header Authorization with Bearer and the secret, or "
            f"ihp doctor --fix --backend {wanted.removesuffix('/webhook')}; then ihp sync {project.id}"
        )
        yield Finding("webhook", "error", found, remedy, place, mend=given)
        return
    yield Finding("webhook", "ok", wanted, "", place)
    for hook in whole[1:]:
        if hook.get("project") is not None:
            mend = _removed(studio, hook)
            found = f"{wanted} is there more than once: each event comes again"
            yield Finding("webhook", "warning", found, "delete one under Settings, Webhooks", place, mend=mend)


def _made_whole(studio: LabelStudio, hook: Record, header: Record) -> Callable[[], None]:
    body = {"url": hook.get("url"), **_WHOLE, **header}
    return partial(studio.change, "PATCH", f"/api/webhooks/{hook.get('id')}/", body)


def _shows(header: Any, case: Case) -> bool:
    credential = shown_by(header if isinstance(header, str) else None, case.settings.credentials)
    return credential is not None and TEACH in credential.rights


def _stale(
    case: Case, studio: LabelStudio, project: Project, hook: Record, backends: list[str], own: list[Record]
) -> Iterator[Finding]:
    """Label Studio leaves the webhook of a deleted backend behind, and every annotation then waits for it."""
    url = url_of(hook)
    base = url.removesuffix("/webhook")
    if base == url or any(same_address(url, backend) for backend in backends) or not case.is_silent(base):
        return
    # On another machine a webhook may belong to anybody, and be out of reach only from here.
    reached = [url_of(backend) for backend in own if backend.get("state") == REACHED and case.is_ours(url_of(backend))]
    ours = hook.get("project") is not None and any(same_host(url, one) for one in reached)
    found = f"{url} leads to no connected backend and does not answer: saving an annotation may wait a second for it"
    remedy = "delete it under Settings, Webhooks, unless another program is expected there"
    mend = _removed(studio, hook) if ours else None
    yield Finding("stale webhook", "warning", found, remedy, project.place, mend=mend)


def _removed(studio: LabelStudio, hook: Record) -> Mend:
    change = partial(studio.change, "DELETE", f"/api/webhooks/{hook.get('id')}/")
    return Mend(f"webhook {hook.get('id')}", url_of(hook), "deleted", change)
