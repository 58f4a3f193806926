"""ExportDataset: a Label Studio project, exported as JSON, as a data set to train on and to measure with."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
from numpy.typing import NDArray

from ihp_backend.datasets import Sample, SampleError
from ihp_backend.datasets.sample import check_same_size
from ihp_backend.label_studio.config.config_tags import ImageTag
from ihp_backend.label_studio.config.labelling_config import LabellingConfig, parse_labelling_config
from ihp_backend.label_studio.export_tasks import ExportedTask, read_export
from ihp_backend.label_studio.masks.brush_rle import decode
from ihp_backend.label_studio.masks.mask_records import HALF
from ihp_backend.label_studio.web.data_uri import decode_data_uri, is_data_uri
from ihp_backend.label_studio.web.image_errors import ImageFetchError, shown
from ihp_backend.labels import LabelSet, match_labels
from ihp_backend.parsing.photograph import PhotographError, read_photograph

logger = logging.getLogger(__name__)

SPLITS = ("train", "val")
CONFIG = "labelling_config.xml"

# Label Studio puts eight hexadecimal digits before the name of an uploaded file.
_UPLOAD_PREFIX = re.compile(r"^[0-9a-f]{8}-")
_NAMED_IN_ERRORS = 5
_MOST_BYTES = 200_000_000


class ExportDataset:
    """The tasks of an export whose newest annotation holds brush regions, painted in the order they were made.

    Pixels without a region are background. Which split a task falls into depends on its id alone, so that an export
    made later leaves every task where it was.

    Args:
        root: the exported JSON file, or a folder with just one.
        split: "train" or "val".
        labels: the labels of the parsings, matched to those of the annotations by name; None takes the config's.
        labelling_config: its file; None takes ``labelling_config.xml`` beside the export, where there is one.
        images: folder of the photographs; None looks beside the export and in a folder ``images`` there. A
            photograph's address may also be the path of a local file.
        image: name of the image tag, where the config has several.
        val_share: share of tasks that are for validation.

    Attributes:
        left_out: task id -> why it is in neither split.

    Raises:
        FileNotFoundError: no export, or a labelling config or photographs that are not there.
        ValueError: an unknown split, no export of tasks, a region with an unknown label or without a usable mask.
    """

    def __init__(
        self,
        root: Path | str,
        split: str,
        *,
        labels: LabelSet | None = None,
        labelling_config: Path | str | None = None,
        images: Path | str | None = None,
        image: str | None = None,
        val_share: float = 0.15,
    ) -> None:
        if split not in SPLITS:
            raise ValueError(f"split: {split!r} does not exist; an export has {', '.join(SPLITS)}")
        if not 0 < val_share < 1:
            raise ValueError(f"val_share: {val_share} is no share; give a number between 0 and 1")
        export = _export_file(Path(root))
        if labelling_config is not None and not Path(labelling_config).is_file():
            raise FileNotFoundError(f"labelling_config: {labelling_config} is missing; save it from Label Studio there")
        config = _config(Path(labelling_config) if labelling_config is not None else export.with_name(CONFIG))
        if labels is None and config is None:
            raise ValueError(
                f"labels: {export.with_name(CONFIG)} is missing; copy it from Settings, Labeling Interface, Code, or "
                "give labels"
            )
        tag = _image_tag(config, image)
        tasks, self.left_out = read_export(export)
        if config is not None:
            tasks = [_of_image(task, tag.name) for task in tasks]
            self.left_out |= {task.id: f"no brush regions on {tag.name}" for task in tasks if not task.regions}
        self.labels = labels if labels is not None else (config or LabellingConfig()).label_set()
        self._label_ids = _label_ids(tasks, config, self.labels)
        self._tasks = [task for task in tasks if task.regions and split_of(task.id, val_share) == split]
        places = [Path(images)] if images is not None else [export.parent / "images", export.parent]
        self._photographs = _find_photographs(self._tasks, tag.data_key or "", places)
        self.ids: Sequence[str] = [task.id for task in self._tasks]

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
        check_same_size(parsing.shape, image.shape, Path(self._tasks[index].regions[0].name), file)
        return Sample(image, parsing, self.ids[index])

    def parsing(self, index: int) -> NDArray[np.uint8]:
        """Only the parsing, uint8 (height, width); raises ``SampleError``."""
        parsing: NDArray[np.uint8] | None = None
        for region in self._tasks[index].regions:
            try:
                alpha = decode(region.rle, region.height, region.width)
            except ValueError as error:
                raise SampleError(region.name, str(error), "open and submit the task again, then export") from None
            if parsing is None:
                parsing = np.zeros_like(alpha)
            if alpha.shape != parsing.shape:
                sizes = (
                    f"{region.width} x {region.height} pixels, but others have {parsing.shape[1]} x {parsing.shape[0]}"
                )
                raise SampleError(region.name, sizes, "draw all regions of a task on one and the same photograph")
            parsing[alpha > HALF] = self._label_ids[region.label]
        assert parsing is not None  # A task without regions is left out.
        return parsing


def split_of(task_id: str, val_share: float) -> str:
    """The split of a task: the same on every machine and in every export."""
    place = int.from_bytes(hashlib.sha256(task_id.encode()).digest()[:8], "big") / 2**64
    return "val" if place < val_share else "train"


def _export_file(root: Path) -> Path:
    if not root.is_dir():
        if root.is_file():
            return root
        raise FileNotFoundError(f"root: {root} is missing; give the JSON export of a Label Studio project")
    found = sorted(root.glob("*.json"))
    if len(found) != 1:
        names = ", ".join(file.name for file in found[:_NAMED_IN_ERRORS]) or "none"
        raise FileNotFoundError(f"root: {root} holds {len(found)} JSON files ({names}); give the one that was exported")
    return found[0]


def _config(file: Path) -> LabellingConfig | None:
    return parse_labelling_config(file.read_text(encoding="utf-8")) if file.is_file() else None


def _image_tag(config: LabellingConfig | None, name: str | None) -> ImageTag:
    if config is None:
        return ImageTag(name or "image", "image")
    fitting = [tag for tag in config.images if name in (None, tag.name)]
    if len(fitting) != 1 or not fitting[0].data_key:
        known = ", ".join(tag.name for tag in config.images) or "none"
        raise ValueError(f"image: {name!r} does not name one image tag of the config; it has {known}")
    return fitting[0]


def _of_image(task: ExportedTask, to_name: str) -> ExportedTask:
    return ExportedTask(task.id, task.data, tuple(region for region in task.regions if region.to_name == to_name))


def _label_ids(tasks: Sequence[ExportedTask], config: LabellingConfig | None, labels: LabelSet) -> dict[str, int]:
    """Label as annotations call it -> its id; raises ``SampleError`` for the first region whose label has none."""
    first = {region.label: region for task in reversed(tasks) for region in reversed(task.regions)}
    values = {name: (config.label_of(name) if config is not None else name) for name in first}
    match = match_labels([value for value in values.values() if value is not None], labels)
    for name, value in values.items():
        if value is None or value not in match.ids:
            known = ", ".join(config.labels if config is not None and value is None else labels.names)
            raise SampleError(
                first[name].name, f"label {name!r} is unknown", f"rename it or add it to the labels, which are {known}"
            )
    return {name: match.ids[value] for name, value in values.items() if value is not None}


def _find_photographs(tasks: Sequence[ExportedTask], data_key: str, places: Sequence[Path]) -> list[Path | str]:
    """Every task's photograph: its file, or its address where that holds the whole photograph (a data URI)."""
    found: list[Path | str] = []
    missing: list[str] = []
    for task in tasks:
        address = task.data.get(data_key)
        file = _find(address, places) if isinstance(address, str) else None
        if file is None:
            missing.append(f"task {task.id} ({shown(address)})")
        else:
            found.append(file)
    if missing:
        more = f" and {len(missing) - _NAMED_IN_ERRORS} more" if len(missing) > _NAMED_IN_ERRORS else ""
        raise FileNotFoundError(
            f"images: the photographs of {', '.join(missing[:_NAMED_IN_ERRORS])}{more} are not in "
            f"{' or '.join(map(str, places))}; copy them there from Label Studio's media folder, or give images"
        )
    return found


def _find(address: str, places: Sequence[Path]) -> Path | str | None:
    if is_data_uri(address):
        return address
    try:
        return next((file for file in _candidates(address, places) if file.is_file()), None)
    except (OSError, ValueError):  # A name too long for a file, or no address at all.
        return None


def _candidates(address: str, places: Sequence[Path]) -> Iterator[Path]:
    """Where a photograph may lie, the most exact path first: the local path, then ever shorter ends of its address."""
    parts = urlsplit(address)
    path = unquote(parts.query.removeprefix("d=") if parts.query.startswith("d=") else parts.path)
    if parts.scheme in ("", "file") and path.startswith("/"):
        yield Path(path)
    names = [name for name in path.split("/") if name]
    if ".." in names:
        return
    for start in range(len(names)):
        for place in places:
            yield place.joinpath(*names[start:])
    for place in places:
        yield place / _UPLOAD_PREFIX.sub("", names[-1] if names else "")
