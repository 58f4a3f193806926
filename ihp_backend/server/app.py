"""create_app: the Flask application that speaks Label Studio's ML backend protocol.

Concurrency. gunicorn runs one process by default, with a thread per request. All that threads share is in
``ServerState``, made once per process after the fork:

- ``Parser`` is stateless and lets one network run at a time.
- ``Predictions`` lets one request for every two cores compute; what waits for a disk or for others runs freely.
- ``SceneCache`` opens each photograph once, however many requests ask for it; its lock is never held meanwhile.
- ``Admission`` counts who is being answered, and refuses who would only wait.
- ``Batches`` answers the tasks of a batch side by side, with a few threads of its own; they take turns at the model.
- ``ModelCache`` looks up which version serves a project; one request loads a new one, the others go on with the old.
- ``Journal``, ``ProjectAccess`` and ``DoctorFindings`` each have one lock around dictionary work of microseconds.
- ``Metrics`` and its library have locks around a few additions.
- ``EventInbox`` and ``ClickMemory`` are databases that processes may share: SQLite files, of which the one opens a
  connection per call, the other one per process; or PostgreSQL, with a pool of connections per process.

No lock is taken while another is held, but for these in this order: a task's turn among those of batches, the turn to
compute, the engine's. With more than one worker, events, active prompts, project access and metrics are common to all;
the model, the scenes, the journal and the model with which a task was begun are each worker's own.
"""

from __future__ import annotations

from flask import Flask

from ihp_backend.finetuning.workspace import Workspace
from ihp_backend.label_studio.predict.shared_backend import open_batches, open_model_cache
from ihp_backend.label_studio.web.images import ImageSource
from ihp_backend.parsing.parser import Parser
from ihp_backend.parsing.turns import watch_turns
from ihp_backend.server import information, predict, setup, webhook
from ihp_backend.server.admission import Admission
from ihp_backend.server.authorization import guard
from ihp_backend.server.doctor_findings import DoctorFindings, Examine
from ihp_backend.server.errors import register_errors
from ihp_backend.server.journal import Journal
from ihp_backend.server.metrics import Metrics
from ihp_backend.server.project_access import ProjectAccess
from ihp_backend.server.request_watch import watch_requests
from ihp_backend.server.server_settings import ServerSettings
from ihp_backend.server.state import EXTENSION, ServerState
from ihp_backend.server.store_metrics import StoreMetrics


def create_app(
    parser: Parser,
    settings: ServerSettings,
    *,
    images: ImageSource | None = None,
    access: ProjectAccess | None = None,
    examine: Examine | None = None,
) -> Flask:
    """The application.

    Args:
        parser: the model that serves projects without a version of their own.
        settings: its data folder is created where it is missing.
        images: fetches photographs; by default as the settings say.
        access: what ``/setup`` told, of all workers; the application's own if None.
        examine: has the doctor look at Label Studio, for the page of ``/status``; None: it does not.

    Raises:
        SettingsError: the data folder cannot be written to.
        StorageError: the events or the active prompts in it cannot be used.
    """
    journal = Journal()
    models = open_model_cache(settings, parser, journal.note)
    batches = open_batches(settings, models, images)
    workspace = Workspace(settings.places)
    metrics = Metrics(StoreMetrics(workspace, parser.version))
    app = Flask("ihp_backend", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_mebibytes << 20
    app.extensions[EXTENSION] = ServerState(
        models=models,
        predictions=batches.predictions,
        batches=batches,
        workspace=workspace,
        journal=journal,
        metrics=metrics,
        access=access or ProjectAccess(),
        label_studio_known=settings.images.label_studio_url is not None,
        doctor=DoctorFindings(examine),
        admission=Admission(settings.threads),
        click_seconds=settings.click_seconds,
    )
    watch_turns(metrics.network_waiting.inc)
    register_errors(app)
    watch_requests(app, metrics)
    guard(app, settings.credentials)
    for module in (information, setup, predict, webhook):
        app.register_blueprint(module.routes)
    return app
