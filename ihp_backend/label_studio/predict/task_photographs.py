"""TaskPhotographs: from a task to the opened photograph of one of its image tags."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ihp_backend.label_studio.config.config_tags import ImageTag
from ihp_backend.label_studio.config.pages import addresses
from ihp_backend.label_studio.masks.sizes import MOST_PIXELS, Size, named, scaled_alike
from ihp_backend.label_studio.predict.scene_cache import SceneCache
from ihp_backend.label_studio.predict.task_request import TaskRequest
from ihp_backend.label_studio.problems import Problem, RequestError, problem
from ihp_backend.label_studio.web.image_errors import ImageFetchError, shown
from ihp_backend.label_studio.web.images import ImageSource
from ihp_backend.parsing.photograph import Photograph, PhotographError, read_photograph
from ihp_backend.parsing.scene import Scene

logger = logging.getLogger(__name__)

_ENCODED = ("utf-8", "surrogatepass")
_SIZE = "context.result[].original_width, original_height"


class TaskPhotographs:
    """Fetches, decodes and opens photographs, each once; may be shared by threads.

    Args:
        images: fetches them.
        scenes: keeps them.
    """

    def __init__(self, images: ImageSource, scenes: SceneCache) -> None:
        self._images = images
        self._scenes = scenes

    def open(self, asked: TaskRequest, image: ImageTag, page: int = 0, original_size: Size | None = None) -> Scene:
        """The scene of a task's photograph, for the model that made it alone; what is wrong with it is noted.

        Args:
            asked: the task; none of its turns is entered while the photograph is fetched and decoded.
            image: one of its image tags.
            page: which of the image tag's photographs.
            original_size: (height, width) in which the page shows it; None if it does not say. Of a photograph that
                only fits without, or with, the orientation of its file, it is that picture.

        Raises:
            RequestError: the task names no photograph, it cannot be fetched or decoded, or it is another one than the
                page shows.
        """
        request = asked.request
        pages = addresses(asked.task, image)
        if page >= len(pages):
            remedy = f"the task has {len(pages)} images; open it again"
            raise RequestError(problem("context.result[].item_index", page, remedy))
        address, field, keep = pages[page], image.field, not request.many
        if not address:
            remedy = f"image {page} of the task has no address; import the task with one address per image"
            raise RequestError(problem(field, address, remedy))
        key = hashlib.sha256(
            "\0".join((asked.parser.version, request.hostname or "", address)).encode(*_ENCODED)
        ).hexdigest()
        open_scene = partial(self._opened, asked, address)
        try:
            scene = self._scenes.get(key, open_scene, keep=keep)
            size = (scene.height, scene.width)
            if original_size is not None and original_size == size[::-1] != size:
                other = partial(open_scene, original_size)
                scene = self._scenes.get(f"{key} {named(original_size)}", other, keep=keep)
        except (ImageFetchError, PhotographError) as error:
            raise RequestError(Problem(field, shown(address), str(error))) from None
        if original_size not in (None, size):
            asked.problems.append(told := _about(original_size, size))
            logger.warning("task %.40r: %s: %s (%s)", asked.id, told.field, told.value, told.remedy)
        asked.problems.extend(Problem(field, shown(address), f"photograph: {note}") for note in scene.notes)
        return scene

    def used(self, scene: Scene) -> None:
        """The scene is not read any more until it is asked for again."""
        self._scenes.used(scene)

    def _opened(self, asked: TaskRequest, address: str, size: Size | None = None) -> Scene:
        task_id = asked.task.get("id")
        content = self._images.fetch(
            address,
            hostname=asked.request.hostname,
            access_token=asked.request.access_token,
            task_id=task_id if isinstance(task_id, int) else None,
        )
        photograph = read_photograph(content)
        pixels = photograph.pixels if size is None else _in_size(photograph, size)
        with asked.later_turn():
            return replace(asked.parser.open(pixels, self._scenes.place), notes=photograph.notes)


def _in_size(photograph: Photograph, size: Size) -> NDArray[np.uint8]:
    orientation = photograph.other_orientation(size)
    if orientation is None:
        raise _another(size, photograph.pixels.shape[:2])
    return photograph.in_orientation(orientation)


def _about(original: Size, size: Size) -> Problem:
    """The problem of answering in the page's size, which is not the photograph's; raises if there is no such answer."""
    if original == size[::-1]:
        remedy = (
            f"the photograph is {named(size)} as browsers turn it; answered for its pixels in the other orientation "
            "that its file allows. Save the photograph upright, without EXIF orientation, and import it again"
        )
    elif scaled_alike(original, size) and original[0] * original[1] <= MOST_PIXELS:
        remedy = (
            f"the photograph has {named(size)}, so masks are resized, which makes their edges coarse or uneven; show "
            "the file that is parsed, not a reduced copy"
        )
    else:
        raise _another(original, size)
    return Problem(_SIZE, named(original), remedy)


def _another(original: Size, size: Size) -> RequestError:
    remedy = (
        f"the photograph that was fetched has {named(size)}, so it is another picture than the page shows and is not "
        "answered; was the file replaced? Reload the page, or import the task again"
    )
    return RequestError(Problem(_SIZE, named(original), remedy))
