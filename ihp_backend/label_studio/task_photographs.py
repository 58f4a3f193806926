"""TaskPhotographs: from a task to the opened photograph of one of its image tags."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from ihp_backend.label_studio.config.config_tags import ImageTag
from ihp_backend.label_studio.config.pages import addresses
from ihp_backend.label_studio.prediction_request import PredictionRequest
from ihp_backend.label_studio.problems import Problem, RequestError, problem
from ihp_backend.label_studio.scenes import SceneCache
from ihp_backend.label_studio.web.image_errors import ImageFetchError, shown
from ihp_backend.label_studio.web.images import ImageSource
from ihp_backend.parsing.parser import Parser
from ihp_backend.parsing.photograph import PhotographError, decode_photograph
from ihp_backend.parsing.scene import Scene


class TaskPhotographs:
    """Fetches, decodes and opens photographs, each once; may be shared by threads.

    Args:
        images: fetches them.
        scenes: keeps them.
    """

    def __init__(self, images: ImageSource, scenes: SceneCache) -> None:
        self._images = images
        self._scenes = scenes

    def open(
        self,
        parser: Parser,
        task: Mapping[str, Any],
        image: ImageTag,
        request: PredictionRequest,
        turn: AbstractContextManager[Any],
        page: int = 0,
    ) -> Scene:
        """The scene of a task's photograph; it is only for the model that made it.

        Args:
            turn: entered while the model looks at the photograph, and not while it is fetched and decoded.
            page: which of the image tag's photographs.

        Raises:
            RequestError: the task names no photograph, or it cannot be fetched or decoded.
        """
        pages, task_id = addresses(task, image), task.get("id")
        if page >= len(pages):
            remedy = f"the task has {len(pages)} images; open it again"
            raise RequestError(problem("context.result[].item_index", page, remedy))
        address = pages[page]
        named = "\0".join((parser.version, request.hostname or "", address))
        key = hashlib.sha256(named.encode("utf-8", "surrogatepass")).hexdigest()

        def open_scene() -> Scene:
            content = self._images.fetch(
                address,
                hostname=request.hostname,
                access_token=request.access_token,
                task_id=task_id if isinstance(task_id, int) else None,
            )
            photograph = decode_photograph(content)
            with turn:
                return parser.open(photograph)

        try:
            return self._scenes.get(key, open_scene, keep=not request.many)
        except (ImageFetchError, PhotographError) as error:
            raise RequestError(Problem(image.field, shown(address), str(error))) from None
