"""SavedWork: what a task's drafts and annotations tell about the work on it.

A request names only the clicks of one label. The requesting user's draft, saved by the page at most every five
seconds, holds the clicks of all labels and the accepted regions; it may lag behind by that much.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ihp_backend.label_studio.clicks.prompt_records import read_prompts
from ihp_backend.label_studio.clicks.prompts import Prompt
from ihp_backend.label_studio.config.labelling_config import LabellingConfig
from ihp_backend.label_studio.config.pages import page_of
from ihp_backend.label_studio.config.tag_table import tag_of
from ihp_backend.label_studio.loose_json import as_object, objects
from ihp_backend.label_studio.masks.mask_regions import MaskRegion, mask_regions

_LONG = 200

Masks = tuple[MaskRegion, ...]
"""A label's mask regions."""


@dataclass(frozen=True)
class SavedWork:
    """Work that is saved for a task, as drafts and annotations.

    Attributes:
        user: who works on it, known only from drafts: their number, or their address where a draft lacks that.
        prompts: clicks and boxes that stand in the drafts.
        accepted: label value -> its mask regions among ``records``.
        predicted: while nothing is saved, the same for each of several predictions.
        records: of the drafts, or without drafts of the annotations, on the image in question. While nothing is saved,
            those of a task's only prediction, with which the page begins; of several nobody knows which it shows.
        annotations: ids of the task's annotations.
        stamp: differs whenever the saved work differs; the same in every process.
    """

    user: str | None = None
    prompts: tuple[Prompt, ...] = ()
    accepted: Mapping[str, Masks] = field(default_factory=dict)
    predicted: tuple[Mapping[str, Masks], ...] = ()
    records: tuple[dict[str, Any], ...] = ()
    annotations: frozenset[int] = frozenset()
    stamp: int = 0

    def looks(self, label: str) -> frozenset[int]:
        """How the label's mask looks: one number, or several while it may be any of the predictions."""
        offered = [masks[label] for masks in (self.accepted, *self.predicted) if label in masks]
        return frozenset(_stamp(sorted(str(mask.look) for mask in masks)) for masks in offered)


def read_saved_work(task: Mapping[str, Any], config: LabellingConfig, to_name: str | None, page: int = 0) -> SavedWork:
    """Read ``drafts`` and ``annotations`` of a task, as far as they are on one photograph; nothing is raised."""
    drafts = objects(task.get("drafts"))
    annotations = objects(task.get("annotations"))
    predictions = [] if drafts or annotations else objects(task.get("predictions"))
    of_predictions = [_on(objects(prediction.get("result")), to_name, page) for prediction in predictions]
    predicted = [masks for records in of_predictions if (masks := _masks(records, config))]
    begun = predictions if len(predicted) == 1 else []
    standing = drafts or annotations or begun
    records = _on((record for one in standing for record in objects(one.get("result"))), to_name, page)
    prompts, _ = read_prompts(records if drafts else [], config, read_signs(task), "drafts")
    users = map(_user, drafts)
    return SavedWork(
        user=next((user for user in users if user), None),
        prompts=tuple(prompts),
        accepted=_masks(records, config),
        predicted=() if begun else tuple(predicted),
        records=tuple(records),
        annotations=frozenset(i for annotation in annotations if isinstance(i := annotation.get("id"), int)),
        stamp=_stamp(trait for item in (*drafts, *annotations, *begun) for trait in _traits(item)),
    )


def read_signs(task: Mapping[str, Any]) -> dict[str, bool]:
    """Region id -> positive from annotations and drafts, the drafts' word first.

    The page leaves ``is_positive`` out for clicks of a reopened draft; the draft itself still has it.
    """
    return {
        record["id"]: record["is_positive"]
        for key in ("annotations", "drafts")
        for saved in objects(task.get(key))
        for record in objects(saved.get("result"))
        if isinstance(record.get("id"), str) and isinstance(record.get("is_positive"), bool)
    }


def _on(records: Iterable[dict[str, Any]], to_name: str | None, page: int) -> list[dict[str, Any]]:
    """The records on one photograph."""
    return [record for record in records if record.get("to_name", to_name) == to_name and page_of(record) == page]


def _masks(records: list[dict[str, Any]], config: LabellingConfig) -> dict[str, Masks]:
    """The mask regions of each label."""
    masks: dict[str, Masks] = {}
    for region in mask_regions(records):
        for name in region.labels if isinstance(region.labels, list) else ():
            label = config.label_of(name) if isinstance(name, str) else None
            # A polygon counts where masks are returned as polygons; elsewhere it only says where the part is.
            if label is not None and (not tag_of(region.kind).outlines or _outlined(label, config)):
                masks[label] = (*masks.get(label, ()), region)
    return masks


def _outlined(label: str, config: LabellingConfig) -> bool:
    target = config.mask_target(label)
    return target is not None and tag_of(target.type).outlines


def _user(draft: Mapping[str, Any]) -> str:
    """Drafts tell a user's number only at the end of a name made for people: "Ann ann@example.com, 1"."""
    _, comma, number = str(draft.get("created_username") or "").rpartition(", ")
    return number if comma and number.isdecimal() else str(draft.get("user") or "")


def _stamp(traits: Iterable[str]) -> int:
    digest = hashlib.blake2b(digest_size=7)  # Fits into an integer of SQLite and of JSON.
    for trait in traits:
        digest.update(trait.encode("utf-8", "surrogatepass") + b"\0")
    return int.from_bytes(digest.digest(), "big")


def _traits(saved: Mapping[str, Any]) -> tuple[str, ...]:
    """The traits that tell two states of a draft apart without reading its masks."""
    traits = [repr(saved.get("id")), repr(saved.get("updated_at"))]
    for record in objects(saved.get("result")):
        value = as_object(record.get("value"))
        traits.append(repr((record.get("id"), record.get("type"), {key: _brief(part) for key, part in value.items()})))
    return tuple(traits)


def _brief(part: Any) -> Any:
    """A long list by its length, a long text, such as a mask's picture, by its sum."""
    if isinstance(part, list):
        return len(part) if len(part) > _LONG else part
    if isinstance(part, str) and len(part) > _LONG:
        return hashlib.blake2b(part.encode("utf-8", "surrogatepass"), digest_size=7).hexdigest()
    return part
