"""Check whether Label Studio refuses the backend's address, as 1.23.1 and later do with private ones.

Both questions are asked with bodies that cannot be saved, for want of a project; the address is looked at first.
"""

from __future__ import annotations

from collections.abc import Iterator

from ihp_backend.doctor.finding import Finding
from ihp_backend.doctor.label_studio import PLACE
from ihp_backend.label_studio.api.client import ApiError, LabelStudio
from ihp_backend.label_studio.web.http_answer import Answer

_BOTH = "ML_BLOCK_LOCAL_IP=false SSRF_PROTECTION_ENABLED=false"
_NO_ACTION = "asked only whether the address is allowed"


def refused_addresses(studio: LabelStudio, backend_url: str) -> Iterator[Finding]:
    """Asks for both settings, each of which refuses for itself."""
    as_backend = _ask(studio, "/api/ml/", {"url": backend_url})
    hook = f"{backend_url}/webhook"
    as_webhook = _ask(studio, "/api/webhooks/", {"url": hook, "project": 0, "actions": [_NO_ACTION]})
    restart = "start Label Studio again with"
    if as_backend:
        found = f"{backend_url} is refused as a backend: {as_backend}"
        remedy = f"{restart} {_BOTH} in its environment"
        yield Finding("backend address", "error", found, remedy, PLACE)
    else:
        yield Finding("backend address", "ok", f"{backend_url} is allowed as a backend", "", PLACE)
    if as_webhook:
        found = (
            f"{hook} is refused as a webhook: {as_webhook}. A backend is then saved without its webhook, and no "
            "annotation reaches it"
        )
        remedy = f"{restart} {_BOTH} in its environment, then run ihp doctor --fix"
        yield Finding("webhook address", "error", found, remedy, PLACE)
    else:
        yield Finding("webhook address", "ok", f"{hook} is allowed as a webhook", "", PLACE)


def _ask(studio: LabelStudio, path: str, body: dict[str, object]) -> str:
    """The reason why the address is refused, in Label Studio's words; empty if it is not."""
    try:
        answer = studio.ask("POST", path, body)
    except ApiError as error:
        return str(error)
    return _reason(answer)


def _reason(answer: Answer) -> str:
    about_user = "permission" in answer.detail.lower()
    if answer.status == 403 and not about_user:
        return answer.detail
    return answer.detail if "resolve" in answer.detail else ""
