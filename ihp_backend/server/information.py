"""Routes that only tell: /health, /versions, /status."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from ihp_backend.server.state import state

routes = Blueprint("information", __name__)


@routes.get("/")
@routes.get("/health")
def health() -> Response:
    """Label Studio waits one second for this, before everything else."""
    return jsonify({"status": "UP", "model_class": "IHPBackend", "model_version": state().parser().version})


@routes.route("/versions", methods=["GET", "POST"])
def versions() -> Response:
    return jsonify({"versions": state().models.versions()})


@routes.get("/status")
def status() -> Response:
    here = state()
    return jsonify(
        {
            "status": "UP",
            "model_version": here.parser().version,
            "labels": list(here.parser().labels.names),
            "events_recorded": here.inbox.count("ANNOTATION"),
            "clicks_remembered": len(here.predictions.memory),
            **here.journal.to_json(),
        }
    )
