"""POST /webhook: what happened in Label Studio."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from ihp_backend.label_studio.incoming_events import record_event
from ihp_backend.server.reading import read_body
from ihp_backend.server.state import state

routes = Blueprint("webhook", __name__)


@routes.post("/webhook")
def webhook() -> tuple[Response, int]:
    """Store any event, then acknowledge it."""
    event = read_body()
    here = state()
    number = record_event(event, here.inbox, here.predictions, here.journal.note)
    return jsonify({"status": "recorded", "event": number}), 201
