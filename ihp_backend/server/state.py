"""ServerState: what the routes of one worker process share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import current_app

from ihp_backend.annotation_store.event_inbox import EventInbox
from ihp_backend.finetuning.workspace import Workspace
from ihp_backend.label_studio.predict.batches import Batches
from ihp_backend.label_studio.predict.model_cache import ModelCache
from ihp_backend.label_studio.predict.predictions import Predictions
from ihp_backend.parsing.parser import Parser
from ihp_backend.server.admission import Admission
from ihp_backend.server.doctor_findings import DoctorFindings
from ihp_backend.server.journal import Journal
from ihp_backend.server.metrics import Metrics
from ihp_backend.server.project_access import ProjectAccess


@dataclass(frozen=True)
class ServerState:
    """The state of an application, one each; every part of it is thread-safe.

    Attributes:
        label_studio_known: whether the settings say where Label Studio is, so that it can be asked unasked.
        click_seconds: after which it is too late to answer a click.
    """

    models: ModelCache
    predictions: Predictions
    batches: Batches
    workspace: Workspace
    journal: Journal
    metrics: Metrics
    access: ProjectAccess
    label_studio_known: bool
    doctor: DoctorFindings
    admission: Admission
    click_seconds: int

    @property
    def inbox(self) -> EventInbox:
        """Event inbox, in which events are recorded."""
        return self.workspace.inbox

    def parser(self, project: str = "") -> Parser:
        """The model that serves a project; without one the base model."""
        return self.models.of_project(project)


EXTENSION = "ihp_backend"


def state() -> ServerState:
    """The state of the application that answers the current request."""
    return cast(ServerState, current_app.extensions[EXTENSION])
