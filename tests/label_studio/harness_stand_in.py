"""What label-studio-ml 2 shows of itself to a model: its base class, and the routes that make and call instances.

Written from its public interface, its known weaknesses included: values kept as text only, no empty labelling config,
``{}`` where a request has no context, events that it does not know dropped.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any
from xml.etree import ElementTree

from flask import Flask, Response, jsonify, request


class LabelStudioMLBase:
    """Keeps texts by project for all instances."""

    kept: dict[tuple[str, str], str]

    def __init__(self, project_id: str | None = None, label_config: str | None = None) -> None:
        self.project_id = project_id or ""
        if label_config is not None:
            self.use_label_config(label_config)
        if not self.get("model_version"):
            self.set("model_version", "0.0.1")
        self.setup()

    def setup(self) -> None:
        """For models to override."""

    def use_label_config(self, label_config: str) -> None:
        ElementTree.fromstring(label_config)
        self.set("label_config", label_config)

    def set_extra_params(self, extra_params: str) -> None:
        self.set("extra_params", extra_params)

    def get(self, key: str) -> str | None:
        return self.kept.get((self.project_id, key))

    def set(self, key: str, value: str) -> None:
        if not isinstance(value, str):
            raise ValueError("only text is kept")
        self.kept[self.project_id, key] = value

    def predict(self, tasks: list[dict[str, Any]], context: dict[str, Any] | None = None, **kwargs: Any) -> Any:
        raise NotImplementedError

    def fit(self, event: str, data: dict[str, Any], **kwargs: Any) -> Any:
        raise NotImplementedError


def init_app(model_class: type[LabelStudioMLBase]) -> Flask:
    """The harness around a model."""
    app = Flask("harness stand-in")

    @app.post("/predict")
    def predict() -> Response:
        body = request.get_json()
        params = body.get("params", {})
        context = params.pop("context", {})
        model = model_class(project_id=str(body.get("project")).split(".")[0], label_config=body.get("label_config"))
        return jsonify({"results": model.predict(body.get("tasks"), context=context, **params)})

    @app.post("/setup")
    def setup() -> Response:
        body = request.get_json()
        model = model_class(project_id=body["project"].split(".")[0], label_config=body.get("schema"))
        if body.get("extra_params"):
            model.set_extra_params(body["extra_params"])
        return jsonify({"model_version": model.get("model_version")})

    @app.post("/webhook")
    def webhook() -> tuple[Response, int]:
        body = request.get_json()
        event = body.pop("action")
        if event not in ("ANNOTATION_CREATED", "ANNOTATION_UPDATED", "ANNOTATION_DELETED", "START_TRAINING"):
            return jsonify({"status": "Unknown event"}), 200
        project = body["project"]
        model = model_class(str(project["id"]), label_config=project["label_config"])
        return jsonify({"result": model.fit(event, body), "status": "ok"}), 201

    return app


def stand_in_modules() -> dict[str, ModuleType]:
    """The package's modules by name, with nothing kept yet."""
    package, model, api = (ModuleType(f"label_studio_ml{name}") for name in ("", ".model", ".api"))
    vars(model)["LabelStudioMLBase"] = type("LabelStudioMLBase", (LabelStudioMLBase,), {"kept": {}})
    vars(api)["init_app"] = init_app
    return {module.__name__: module for module in (package, model, api)}
