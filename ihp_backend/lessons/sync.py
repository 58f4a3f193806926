"""Makes the ledger what Label Studio itself says, for what its webhooks did not tell or were not heard."""

from __future__ import annotations

import time

from ihp_backend.label_studio.annotation_events import listed
from ihp_backend.label_studio.loose_json import mended
from ihp_backend.label_studio.web.project_api import ProjectApi
from ihp_backend.retraining import Configured, Ledger


def sync(api: ProjectApi, ledger: Ledger, project: str) -> int:
    """Asks for all annotations of a project; gives the number of differences.

    Nothing is changed unless everything was listed.

    Raises:
        ProjectApiError: Label Studio did not list them.
        StorageError: the ledger cannot be written.
    """
    asked = time.time()
    config, _ = mended(api.config(project))
    annotations = listed(project, (mended(task)[0] for task in api.tasks(project)))
    if config and config != ledger.config(project):
        ledger.note(Configured(project, config))
    return ledger.reconcile(project, annotations, asked)
