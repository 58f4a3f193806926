"""IHPModel: the same model for those who serve it with Label Studio's own harness, label-studio-ml (docs/ml-base.md).

Nothing else imports this module: ``ihp serve`` speaks the protocol itself and does not need label-studio-ml.

Concurrency: the harness makes an instance per request, in any thread, so instances keep nothing that outlives a
request; what does is in a ``SharedBackend``.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any, ClassVar

from ihp_backend.label_studio.incoming_events import record_event
from ihp_backend.label_studio.loose_json import mended
from ihp_backend.label_studio.predict.batches import answer_all
from ihp_backend.label_studio.predict.prediction_request import read_prediction_request
from ihp_backend.label_studio.predict.shared_backend import SharedBackend
from ihp_backend.label_studio.problems import RequestError, problem

_REMEDY = (
    "pip install git+https://github.com/HumanSignal/label-studio-ml-backend.git (version 2; PyPI only has 1.0.9, which "
    "cannot be used), or use ihp serve, which does without it"
)

try:
    from label_studio_ml.model import LabelStudioMLBase
except ImportError as error:
    raise ImportError(f"label_studio_ml: cannot be imported ({error}); {_REMEDY}") from error
if not hasattr(LabelStudioMLBase, "use_label_config"):
    raise ImportError(f"label_studio_ml: the one installed is older than version 2; {_REMEDY}")

logger = logging.getLogger(__name__)


class IHPModel(LabelStudioMLBase):
    """Answers as ``ihp serve`` does with the same environment, and records events in the same event inbox.

    Attributes:
        shared: what all instances in a process share; a subclass may bring its own.
    """

    shared: ClassVar[SharedBackend] = SharedBackend()
    _config_text: str | None = None

    def setup(self) -> None:
        """Tells the harness which version serves the project now; called for every instance.

        Raises:
            SettingsError, CheckpointError, StorageError: as ``open_backend``, on first use.
        """
        version = self.shared.get().models.of_project(self.project_id).version
        if self.get("model_version") != version:
            self.set("model_version", version)

    def use_label_config(self, label_config: str) -> None:
        """Keeps the text, from which tasks are answered.

        The harness parses it for helpers that are not needed here, and fails for a new project's, which is empty.
        """
        self._config_text = label_config
        try:
            super().use_label_config(label_config)
        except Exception as error:
            logger.warning("project %.40r: label_config: label-studio-ml cannot read it (%s)", self.project_id, error)

    def set_extra_params(self, extra_params: Any) -> None:
        """Takes text, as Label Studio's form sends it, and objects, as its API does; the harness can keep only text."""
        super().set_extra_params(extra_params if isinstance(extra_params, str) else json.dumps(extra_params))

    def predict(
        self, tasks: list[dict[str, Any]], context: dict[str, Any] | None = None, **kwargs: Any
    ) -> list[dict[str, Any]]:
        """Answers to tasks, an item each in their order; one that cannot be answered says why in its ``error``.

        They are plain objects, since the harness's ``ModelResponse`` would drop ``error``.

        Args:
            tasks: as Label Studio sends them.
            context: prompts in ``result``; nothing or an empty one, which the harness makes of nothing, asks for all
                parts that are found.
            kwargs: what else is in the request's ``params``; not needed.

        Raises:
            RequestError: tasks or context are malformed.
        """
        body = {
            "tasks": tasks,
            "project": self.project_id,
            "label_config": self._config_text,
            "params": {"context": context or None},
        }
        tasks, request = read_prediction_request(self._mended(body))
        return answer_all(self.shared.get().batches, tasks, request)

    def fit(self, event: str, data: Mapping[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Records an event for ``ihp worker`` to learn from; returns once it is on disk.

        Args:
            event: Label Studio's action.
            data: the rest of its webhook.
            kwargs: not needed.

        Raises:
            RequestError: the event is malformed.
            StorageError: it is not stored; Label Studio must not be told that it was.
        """
        if not isinstance(data, Mapping):
            raise RequestError(problem("data", data, "hand over the webhook's body, an object"))
        backend = self.shared.get()
        number = record_event(self._mended({**data, "action": event}), backend.inbox, backend.predictions)
        return {"status": "recorded", "event": number}

    def _mended(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body that the harness has read, mended as the server mends it."""
        body, changed = mended(body)
        if changed:
            logger.warning("project %.40r: the body was changed: %s", self.project_id, "; ".join(changed))
        return body
