"""The backend itself: it answers, as Label Studio needs it, in time."""

from __future__ import annotations

from collections.abc import Iterator

from ihp_backend.doctor.calling import NoAnswer
from ihp_backend.doctor.case import Case, is_own_health
from ihp_backend.doctor.finding import Finding

HEALTH_PATIENCE = 1000.0
"""Milliseconds that Label Studio waits for /health (its ML_TIMEOUT_HEALTH)."""

SETUP_PATIENCE = 3000.0
"""Milliseconds that it waits for /setup (its ML_TIMEOUT_SETUP)."""

ENOUGH = 5
"""Tasks of a project that were answered without a click, after which a click should have come."""

_PLACE = "backend"
_SLOW = "stop what else uses the processor, give ihp serve more --threads, or raise {} in Label Studio"


def backend(case: Case) -> Iterator[Finding]:
    """/health and /setup as seen from here."""
    url = case.backend_url
    answer = case.health(url)
    if isinstance(answer, NoAnswer):
        remedy = (
            "start it with ihp serve; if it runs elsewhere, name its address with --backend"
            if answer.error.refused
            else answer.error.remedy("ihp serve", "--backend")
        )
        yield Finding("backend", "error", str(answer), remedy, _PLACE)
        return
    if not is_own_health(answer):
        found = f"{url}/health answered status {answer.status}, and not as this backend does"
        remedy = "another program listens there: start ihp serve on another --port, or name its address with --backend"
        yield Finding("backend", "error", found, remedy, _PLACE, answer.milliseconds)
        return
    if answer.milliseconds > HEALTH_PATIENCE:
        remedy = _SLOW.format("ML_TIMEOUT_HEALTH")
        found = f"{url}/health is slower than the second that Label Studio waits"
        yield Finding("backend", "error", found, remedy, _PLACE, answer.milliseconds)
    else:
        yield Finding("backend", "ok", url, "", _PLACE, answer.milliseconds)
    yield from _set_up(case, url)
    yield from _noted(case, url)


def _set_up(case: Case, url: str) -> Iterator[Finding]:
    try:
        # No address and no token are sent, so that the backend keeps those that Label Studio told it.
        answer = case.ask("POST", f"{url}/setup", {"project": None, "schema": ""}, patience=30.0)
    except NoAnswer as error:
        yield Finding("setup", "error", str(error), "look into the log of ihp serve", _PLACE)
        return
    if not answer.ok:
        found = f"{url}/setup answered status {answer.status}: {answer.detail}"
        yield Finding("setup", "error", found, "look into the log of ihp serve", _PLACE, answer.milliseconds)
    elif answer.milliseconds > SETUP_PATIENCE:
        found = f"{url}/setup is slower than the 3 seconds that Label Studio waits"
        yield Finding("setup", "error", found, _SLOW.format("ML_TIMEOUT_SETUP"), _PLACE, answer.milliseconds)
    else:
        version = answer.content.get("model_version") if isinstance(answer.content, dict) else None
        yield Finding("setup", "ok", f"{url} serves {version}", "", _PLACE, answer.milliseconds)


def _noted(case: Case, url: str) -> Iterator[Finding]:
    """Errors and events that the backend has noted since its start: history, so nothing that is wrong now."""
    try:
        answer = case.ask("GET", f"{url}/status", patience=10.0)
    except NoAnswer:
        return
    content = answer.content if isinstance(answer.content, dict) else {}
    for project, counts in dict(content.get("answers") or {}).items():
        without, with_clicks = counts.get("without_clicks", 0), counts.get("with_clicks", 0)
        if without >= ENOUGH and not with_clicks:
            found = f"{without} tasks of project {project} were answered, and no click of it ever came"
            remedy = "annotators have to take the pink key-point tool (docs/annotate.md), if they work on it already"
            yield Finding("clicks", "warning", found, remedy, _PLACE)
    events, errors = content.get("events_recorded"), content.get("errors")
    if isinstance(errors, list) and errors and isinstance(errors[-1], dict):
        newest = ": ".join(str(errors[-1].get(name, "")) for name in ("field", "value"))
        found = f"{len(errors)} in {url}/status, the newest {newest}"
        yield Finding("errors so far", "ok", found, "", _PLACE)
    if events is not None:
        yield Finding("events", "ok", f"{events} annotation events received so far", "", _PLACE)
