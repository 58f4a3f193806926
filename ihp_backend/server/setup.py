"""POST /setup: Label Studio introduces a project, each time one of its pages opens."""

from __future__ import annotations

import logging
from typing import Any

from flask import Blueprint, Response, jsonify

from ihp_backend.label_studio.config.labelling_config import parse_labelling_config
from ihp_backend.label_studio.config.tag_table import mask_tags_to_name
from ihp_backend.label_studio.config.translation import translate
from ihp_backend.label_studio.predict.request_fields import config_text_of, optional, project_of
from ihp_backend.label_studio.problems import RequestError, problem
from ihp_backend.log_context import add_log_fields
from ihp_backend.server.authorization import may
from ihp_backend.server.credentials import ADMINISTER
from ihp_backend.server.project_access import Access
from ihp_backend.server.request_body import read_body
from ihp_backend.server.state import state

logger = logging.getLogger(__name__)
routes = Blueprint("setup", __name__)


@routes.post("/setup")
def setup() -> Response:
    """Answers at once and for every labelling config: a new project has an empty one.

    ``extra_params`` comes as text from the form and as an object from the API; nothing in it is needed yet. Address and
    token of Label Studio are taken from those who may administer: photographs of the project are fetched with them for
    everybody.
    """
    body = read_body()
    here = state()
    project = project_of(body)
    add_log_fields(project=project)
    config_text = config_text_of(body, "schema")
    access = Access(optional(body, "hostname", str), optional(body, "access_token", str))
    # Whoever asks without an address, as ihp doctor does, must not make it forget Label Studio's.
    if any(access) and may(ADMINISTER):
        here.access.remember(project, access)
    elif any(access) and not here.label_studio_known:
        remedy = "set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY, or add 'administer' to its rights"
        here.journal.note(problem("hostname, access_token", "not taken from this credential", remedy))
    parser = here.parser(project)
    answer: dict[str, Any] = {"model_version": parser.version}
    try:
        config = parse_labelling_config(config_text)
        translation = translate(config, parser.labels, any_labels=parser.any_labels)
    except RequestError as error:
        logger.warning("project %.40r: %s", project, error.problem.remedy)
        here.journal.note(error.problem)
        answer["error"] = error.problem.to_json()
        return jsonify(answer)
    told = translation.told(parser.labels)
    here.journal.note_labels(project, told)
    # The task's data may bring their brush.
    without_brush = [name for name in config.labels if config.mask_target(name) is None and not config.from_task]
    if without_brush:
        lacking_brush = "project %.40r: no brush takes the masks of %.2000s; add these labels to the %s of the image"
        logger.warning(lacking_brush, project, ", ".join(without_brush), mask_tags_to_name())
    answer["labels"] = {
        **told,
        "without_brush": without_brush,
        "from_task": list(config.from_task),
    }
    for wrong in (*config.problems, *translation.problems(parser.labels)):
        here.journal.note(wrong)
        answer["error"] = wrong.to_json()
    lacking = translation.lacking(config.labels, parser.labels)
    if lacking is not None:
        here.journal.note(lacking)
    logger.info("project %.40r set up: %.2000s", project, translation.mapping.describe(parser.labels))
    return jsonify(answer)
