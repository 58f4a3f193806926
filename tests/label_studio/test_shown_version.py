from __future__ import annotations

from typing import Any

import pytest

from ihp_backend.label_studio.predict.project_predictions import how_to_show

BACKEND = {"title": "IHP Backend", "model_version": "v2"}


@pytest.mark.parametrize(
    ("project", "backends", "says"),
    [
        ({"model_version": "v2", "show_collab_predictions": True}, [], None),
        ({"model_version": "IHP Backend", "show_collab_predictions": True}, [{"title": "other"}, BACKEND], None),
        ({"model_version": "v2", "show_collab_predictions": False}, [BACKEND], "switch on predictions and choose v2"),
        ({"model_version": "v1", "show_collab_predictions": True}, [BACKEND], "see those of 'v1': choose v2"),
        ({"model_version": "", "show_collab_predictions": True}, [], "see none: choose v2"),
        ({"model_version": None, "show_collab_predictions": True}, [{"title": None}], "see none: choose v2"),
        (
            {"model_version": "IHP Backend", "show_collab_predictions": True},
            [{**BACKEND, "model_version": "v3"}],
            "'IHP Backend', which serves v3: start it with the same --model",
        ),
    ],
)
def test_how_to_show(project: dict[str, Any], backends: list[dict[str, Any]], says: str | None) -> None:
    advice = how_to_show(project, backends, "v2")
    assert advice is None if says is None else says in str(advice)
