"""Pages: the photographs of a task whose ``<Image valueList>`` shows a list of them, one at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ihp_backend.label_studio.config.config_tags import ImageTag
from ihp_backend.label_studio.config.task_values import parse_value
from ihp_backend.label_studio.loose_json import as_object
from ihp_backend.label_studio.problems import RequestError, problem


def page_of(record: Mapping[str, Any]) -> int:
    """Page that a region is on, from 0; regions of tasks with one photograph do not say.

    Examples:
        >>> page_of({"item_index": 2}), page_of({})
        (2, 0)
    """
    page = record.get("item_index")
    return page if type(page) is int and page >= 0 else 0


def addresses(task: Mapping[str, Any], image: ImageTag) -> list[str]:
    """Addresses of a task's photographs for an image tag, page by page; "" for a page that has none.

    Raises:
        RequestError: the task has none, or nothing but something else than text.

    Examples:
        >>> addresses({"data": {"shots": ["a.jpg", None]}}, ImageTag("image", "$shots", several=True))
        ['a.jpg', '']
    """
    found = parse_value(image.value, as_object(task.get("data")))
    listed = found if image.several and isinstance(found, list) else [found]
    known = [address if isinstance(address, str) else "" for address in listed]
    if not any(known):
        what = "a list of the images' addresses" if image.several else "the image's address"
        remedy = f"import the task with {what} under {image.data_key!r}, one address per image"
        if isinstance(found, list) and not image.several:
            remedy += f'; or write valueList="{image.value}" instead of value="{image.value}" into the <Image>'
        raise RequestError(problem(image.field, found, remedy))
    return known
