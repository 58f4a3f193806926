"""Routes that only tell: /health, /versions, /metrics, /status."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
from flask import Blueprint, Response, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST

from ihp_backend.finetuning.missing_packages import why_no_fine_tuning
from ihp_backend.server.doctor_findings import Examined
from ihp_backend.server.fine_tuning_status import curve, fine_tuning_status, pictures
from ihp_backend.server.state import state

routes = Blueprint("information", __name__)

_PAGE = Path(__file__).with_name("status.html")


@routes.get("/")
@routes.get("/health")
def health() -> Response:
    """Label Studio waits one second for this, before everything else; it is open to everybody, so it tells no more."""
    return jsonify({"status": "UP", "model_class": "IHPBackend"})


@routes.get("/favicon.ico")
@routes.get("/apple-touch-icon<path:rest>")
@routes.get("/robots.txt")
@routes.get("/.well-known/<path:rest>")
def nothing(rest: str = "") -> tuple[str, int]:
    """An empty answer to what browsers ask for by themselves: nobody did anything wrong."""
    return "", 204


@routes.route("/versions", methods=["GET", "POST"])
def versions() -> Response:
    return jsonify({"versions": state().models.versions()})


@routes.get("/metrics")
def metrics() -> Response:
    """For Prometheus."""
    return Response(state().metrics.exposition(), content_type=CONTENT_TYPE_LATEST)


@routes.get("/status")
def status() -> Response:
    """The status: as JSON for programs, as a page for people; ``?project=`` has the page show one project."""
    here = state()
    told = {
        "status": "UP",
        "model_version": here.parser().version,
        "labels": list(here.parser().labels.names),
        "events_recorded": here.inbox.count("ANNOTATION"),
        "clicks_remembered": len(here.predictions.memory),
        "no_fine_tuning": "; install it with: ".join(lacking) if (lacking := why_no_fine_tuning()) else None,
        "projects": fine_tuning_status(here.workspace),
        **here.journal.to_json(),
    }
    if request.accept_mimetypes.best_match(["application/json", "text/html"]) != "text/html":
        return jsonify(told)
    return Response(_page(told), mimetype="text/html")


def _page(told: dict[str, Any]) -> str:
    """The status as a page, of one project or with a list of all; whoever looks at it also has the doctor look."""
    here = state()
    heard_of = [project for project in (*told["label_mappings"], *told["answers"]) if project]
    names = list(dict.fromkeys([*told["projects"], *heard_of]))
    asked = request.args.get("project", "")
    shown = [asked] if asked else names if len(names) == 1 else []
    fine_tuned = [project for project in shown if project and project in told["projects"]]
    examined = here.doctor.look(int(request.environ["SERVER_PORT"]))
    doctor = examined.findings if examined else {}
    return (
        jinja2.Environment(autoescape=True)
        .from_string(_PAGE.read_text(encoding="utf-8"))
        .render(
            status=told,
            names=names,
            asked=asked,
            shown=shown,
            curves={project: curve(here.workspace, project) for project in fine_tuned},
            pictures={project: pictures(here.workspace, project) for project in fine_tuned},
            doctor=doctor,
            others=[place for place in doctor if place not in {f"project {name}" for name in names}],
            examined=_when(examined),
        )
    )


def _when(examined: Examined | None) -> str:
    if examined is None:
        return "It looks at Label Studio and the projects where LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY are set."
    if not examined.at:
        return "It looks at Label Studio and the projects now."
    return f"Warnings and errors of {examined.at}; ihp doctor shows all that was looked at."
