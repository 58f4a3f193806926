"""ExportDataset: a Label Studio project, exported as JSON, as a data set to train on and to measure with."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ihp_backend.datasets import Sample, SampleError
from ihp_backend.datasets.sample import check_same_size, counted
from ihp_backend.datasets.text_files import read_text
from ihp_backend.label_studio.annotations.export_files import read_tasks
from ihp_backend.label_studio.annotations.export_tasks import (
    ExportedTask,
    address_of,
    annotated_by_others,
    image_tags,
    of_image,
    only_by,
    read_export,
    several_annotations,
)
from ihp_backend.label_studio.annotations.photograph_files import PhotographFiles
from ihp_backend.label_studio.config.config_tags import ImageTag
from ihp_backend.label_studio.config.labelling_config import LabellingConfig, parse_labelling_config
from ihp_backend.label_studio.config.over_tasks import over_tasks
from ihp_backend.label_studio.masks.painting import paint
from ihp_backend.label_studio.web.data_uri import decode_data_uri
from ihp_backend.label_studio.web.image_errors import ImageFetchError
from ihp_backend.labels import BENCHMARKS, IGNORE, LabelSet, match_labels
from ihp_backend.parsing.photograph import PhotographError, read_photograph

logger = logging.getLogger(__name__)

SPLITS = ("train", "val")
CONFIG = "labelling_config.xml"

_MOST_BYTES = 200_000_000


class ExportDataset:
    """The tasks of an export in whose newest annotation something is drawn, painted in the order it was made.

    Pixels without a region are background; those of a region that names no label of the config are ignored, and so are
    all undrawn ones of a task with a mask that cannot be read.

    Which split a task falls into depends on its id alone, so that an export
    made later leaves every task where it was.

    Args:
        root: what was exported, see ``read_tasks``.
        split: "train" or "val".
        labels: the labels of the parsings or the name of a benchmark that has them, matched to those of the annotations
            by name; None takes the config's.
        label_names: label of an annotation -> what it is called in ``labels``; others are matched by name.
        labelling_config: its file; None takes ``labelling_config.xml`` beside the export, where there is one.
        images: folder of the photographs; None looks beside the export and in a folder ``images`` there. A
            photograph's address may also be the path of a local file.
        image: name of the image tag, where the config has several.
        shared_photographs: whether tasks of different addresses may have one and the same file as their photograph.
        annotator: id of the user whose annotations count; None takes those of all.
        val_share: share of tasks that are for validation.

    Attributes:
        left_out: task id -> why it is in neither split.
        notes: task id -> its regions that could not be used, and why; of tasks whose parsing was asked for.
        assumptions: what was assumed, by the option that says otherwise.
        if_empty: what to do where the split has no photographs.

    Raises:
        FileNotFoundError: no export, or a labelling config or photographs that are not there.
        ValueError: an unknown split, no export of tasks, a label of the config that ``labels`` lack.
    """

    def __init__(
        self,
        root: Path | str,
        split: str,
        *,
        labels: LabelSet | str | None = None,
        label_names: Mapping[str, str] | None = None,
        labelling_config: Path | str | None = None,
        images: Path | str | None = None,
        image: str | None = None,
        shared_photographs: bool = False,
        annotator: int | None = None,
        val_share: float = 0.15,
    ) -> None:
        if split not in SPLITS:
            raise ValueError(f"split: {split!r} does not exist; an export has {', '.join(SPLITS)}")
        if not isinstance(val_share, float) or not 0 < val_share < 1:
            raise ValueError(f"val_share: {val_share} is no share; give a number between 0 and 1")
        if isinstance(labels, str):
            if labels not in BENCHMARKS:
                raise ValueError(f"labels: {labels!r} is unknown; choose one of {', '.join(BENCHMARKS)}")
            labels = BENCHMARKS[labels]
        export, listed, joined = read_tasks(Path(root))
        if labelling_config is not None and not Path(str(labelling_config)).is_file():
            raise FileNotFoundError(f"labelling_config: {labelling_config} is missing; save it from Label Studio there")
        config_file = Path(labelling_config) if labelling_config is not None else export.with_name(CONFIG)
        config = _config(config_file)
        if labels is None and config is None:
            raise ValueError(
                f"labels: {config_file} is missing; copy it from Settings, Labeling Interface, Code, or give labels"
            )
        others = annotated_by_others(listed, annotator) if annotator is not None else {}
        tasks, self.left_out = read_export(export, listed if annotator is None else only_by(listed, annotator))
        self.left_out |= {task: reason for task, reason in others.items() if task in self.left_out}
        self.notes: dict[str, tuple[str, ...]] = {}
        tags = {task.id: ImageTag(image or "image", "$image") for task in tasks}
        if config is not None:
            tags = image_tags(tasks, config, image, self.left_out)
            tasks = [of_image(task, tags[task.id].name, config) for task in tasks if task.id in tags]
            self.left_out |= {
                task.id: f"nothing is drawn on {tags[task.id].name}" for task in tasks if not task.regions
            }
            config = over_tasks(config, [task.data for task in tasks])
        self.labels = labels if labels is not None else (config or LabellingConfig()).label_set()
        self._label_ids, guessed = _label_ids(tasks, config, self.labels, label_names or {})
        with_masks = [task for task in tasks if task.regions]
        self._tasks = [task for task in with_masks if split_of(task.id, val_share) == split]
        places = [Path(str(images))] if images is not None else [export.parent / "images", export.parent]
        files = PhotographFiles(places, shared=shared_photographs)
        self._photographs = files.find_all([address_of(task, tags[task.id]) for task in self._tasks])
        self.ids: Sequence[str] = [task.id for task in self._tasks]
        self.if_empty = (
            f"its tasks are all in the other split, or left out ({counted(self.left_out) or 'none'}): annotate more "
            f"and export again, or change val_share = {val_share}"
        )
        self.assumptions: Mapping[str, str] = {
            **({"root": f"{joined}; root=FILE takes one file"} if joined else {}),
            **_of_config(config, config_file, labelling_config is None, labels is None),
            **guessed,
            **(several_annotations(listed) if annotator is None else {}),
            **files.assumptions(),
            "val_share": f"by a hash of their ids, {len(self)} of {len(with_masks)} tasks with masks are {split}; "
            f"val_share={val_share} is the share that is val",
        }

    def __len__(self) -> int:
        return len(self._tasks)

    def __getitem__(self, index: int) -> Sample:
        """The sample at ``index``, its photograph as the annotator saw it; raises ``SampleError``."""
        photograph = self._photographs[index]
        try:
            read = read_photograph(
                photograph.read_bytes() if isinstance(photograph, Path) else decode_data_uri(photograph, _MOST_BYTES)
            )
        except (OSError, PhotographError, ImageFetchError) as error:
            name = photograph if isinstance(photograph, Path) else f"task {self.ids[index]}"
            raise SampleError(name, f"unreadable ({error})", "put the photograph there again") from None
        parsing = self.parsing(index)
        file = photograph if isinstance(photograph, Path) else Path("its photograph")
        image, notes = read.pixels, read.notes
        other = read.other_orientation((parsing.shape[0], parsing.shape[1]))
        if other is not None:
            image = read.in_orientation(other)
            notes = (*notes, "turned as its regions are, which were not drawn on it as browsers turn it")
        for note in notes:
            logger.warning("task %s, %s: %s", self.ids[index], file.name, note)
        check_same_size(parsing.shape, image.shape, Path(self._tasks[index].name), file)
        return Sample(image, parsing, self.ids[index])

    def parsing(self, index: int) -> NDArray[np.uint8]:
        """The parsing alone, uint8 (height, width); raises ``SampleError``."""
        task = self._tasks[index]
        painting = paint(task.regions, self._label_ids.get)
        if painting.left_out:
            self.notes[task.id] = tuple(str(region) for region in painting.left_out)
        if painting.label_map is None or painting.unknown is None:
            reasons = "; ".join(map(str, painting.left_out))
            raise SampleError(task.name, f"nothing is drawn ({reasons})", "draw it again or skip it, then export")
        undrawn = (painting.label_map == IGNORE) & ~painting.unknown
        return np.where(undrawn, 0, painting.label_map).astype(np.uint8)


def split_of(task_id: str, val_share: float) -> str:
    """The split of a task: the same on every machine and in every export."""
    place = int.from_bytes(hashlib.sha256(task_id.encode()).digest()[:8], "big") / 2**64
    return "val" if place < val_share else "train"


def _config(file: Path) -> LabellingConfig | None:
    return parse_labelling_config(read_text(file)[0]) if file.is_file() else None


def _label_ids(
    tasks: Sequence[ExportedTask], config: LabellingConfig | None, labels: LabelSet, label_names: Mapping[str, str]
) -> tuple[dict[str, int], dict[str, str]]:
    """Label as annotations call it -> its id, and what was assumed for it.

    A label that the config does not have any more has none, and costs only its own regions. Raises ``SampleError`` for
    the first region whose label the config has and ``labels`` lack.
    """
    first: dict[str, str] = {}
    for task in tasks:
        for region in task.regions:
            if region.label is not None:
                first.setdefault(region.label, f"{task.name}, region {region.shown_id}")
    if not isinstance(label_names, Mapping):
        raise ValueError(f"label_names: {label_names!r} is no {{NAME: LABEL}}, for example {{top: upper clothes}}")
    for other in label_names.values():
        if other not in labels.names:
            raise ValueError(f"label_names: {other!r} is none of the labels, which are {', '.join(labels.names)}")
    values = {name: name if config is None else config.label_of(name) for name in first}
    called = {name: label_names.get(value, value) for name, value in values.items() if value is not None}
    match = match_labels(list(called.values()), labels)
    for name, value in called.items():
        if value not in match.ids:
            remedy = f"rename it or add it to the labels, which are {', '.join(labels.names)}"
            raise SampleError(first[name], f"label {name!r} is unknown", remedy)
    guessed = [f"{name!r} as {labels.names[match.ids[name]]!r} ({how})" for name, how in match.guessed.items()]
    told = (
        {"label_names": f"read are {', '.join(guessed)}; label_names={{NAME: LABEL}} says otherwise"} if guessed else {}
    )
    return {name: match.ids[value] for name, value in called.items()}, told


def _of_config(config: LabellingConfig | None, file: Path, beside: bool, own_labels: bool) -> dict[str, str]:
    if config is None:
        return {
            "labelling_config": f"{file} is missing; labels are called as in the annotations, the photograph 'image'"
        }
    if not beside:
        return {}
    what = "labels and image tag" if own_labels else "aliases of labels and image tag"
    return {"labelling_config": f"{what} are those of {file}; labelling_config=FILE takes another"}
