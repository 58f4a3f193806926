"""Accepted work as files that train elsewhere: palette PNGs, COCO, YOLO, MMSegmentation."""

from __future__ import annotations

import csv
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Final, Literal, get_args
from urllib.parse import parse_qs, unquote, urlsplit

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ihp_backend.datasets.writing import write_mask
from ihp_backend.finetuning.accepted_index import HELD_OUT, Index, Item
from ihp_backend.finetuning.accepted_set import AcceptedSet
from ihp_backend.finetuning.photograph_store import PhotographStore
from ihp_backend.label_studio.problems import without_query
from ihp_backend.labels import IGNORE, LabelSet
from ihp_backend.parsing.photograph import decode_photograph

Format = Literal["png", "coco", "yolo", "mmseg"]
Undrawn = Literal["background", "ignored"]

_ENDINGS: Final = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "BMP": ".bmp", "TIFF": ".tif"}
_UPLOADED: Final = re.compile(r"^[0-9a-f]{8}-(?=.)")
"""What Label Studio puts before the name of an uploaded file."""
_UNFIT: Final = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]+')
_QUALITY: Final = 95
_ORIENTATION: Final = 0x0112  # in EXIF; 1 is upright


class ExportError(ValueError):
    """What is asked for cannot be written; the text says what to give instead."""


@dataclass(frozen=True)
class Exported:
    """A photograph of the export.

    Attributes:
        item: what it is in the accepted set.
        split: "train" or "val".
        name: of its file.
        label_map: uint8 (height, width), 255 where it is to be ignored.
    """

    item: Item
    split: str
    name: str
    label_map: NDArray[np.uint8]

    @property
    def stem(self) -> str:
        return Path(self.name).stem


def export(
    accepted: AcceptedSet,
    index: Index,
    photographs: PhotographStore,
    out: Path,
    form: Format,
    undrawn: Undrawn = "background",
    done: Callable[[], None] = lambda: None,
) -> int:
    """Writes an accepted set for others to train on.

    Photographs keep their files, under the names that they had when they were imported; one that lies on its side is
    written upright, as not every reader turns it. Pixels of which nothing is known (see ``AcceptedSet.unknown``) are
    ignored in formats that can say so.

    Args:
        accepted, index, photographs: the project's.
        out: folder, new or empty.
        form: how it is laid out.
        undrawn: what becomes of pixels that nobody drew.
        done: called after each photograph.

    Returns:
        Photographs with pixels of which nothing is known, and which the format has to call background.

    Raises:
        ExportError: the folder is not empty, or the format cannot ignore pixels.
        OSError: a file cannot be read or written.
        StorageError: a photograph or label map of the set is damaged.
    """
    if form not in get_args(Format):
        raise ExportError(f"format: {form!r} is unknown; choose one of {', '.join(get_args(Format))}")
    if undrawn == "ignored" and form in ("coco", "yolo"):
        raise ExportError(f"undrawn: {form} cannot say that pixels are to be ignored; choose png or mmseg")
    if out.is_dir() and any(out.iterdir()):
        raise ExportError(f"export: {out} is not empty; give a new folder")
    names = _names(index, photographs)
    # MMSegmentation looks for one ending of all photographs.
    only = None
    if form == "mmseg" and len({Path(name).suffix for name in names.values()}) > 1:
        only = ".png"
    unsaid = 0
    out.parent.mkdir(parents=True, exist_ok=True)
    # Made beside it, so that an export that was interrupted is not taken for a whole one.
    with TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as unfinished, _sources(Path(unfinished)) as note:
        writer = _WRITERS[form](Path(unfinished), index.labels)
        for item in index.items:
            name = names[item.task] if only is None else Path(names[item.task]).stem + only
            label_map, unknown = accepted.label_map(item), accepted.unknown(item)
            if undrawn == "background":
                label_map[(label_map == IGNORE) & ~unknown] = 0
            unsaid += form in ("coco", "yolo") and bool(unknown.any())
            one = Exported(item, "val" if item.split == HELD_OUT else "train", name, label_map)
            _write_photograph(photographs.read(item.photograph), writer.photograph(one))
            writer.add(one)
            note(one)
            done()
        writer.finish()
        out.mkdir(exist_ok=True)
        for made in Path(unfinished).iterdir():
            made.rename(out / made.name)
    return unsaid


class _Writer(ABC):
    """Writes the masks of one format below a folder.

    Attributes:
        folders: that it has, whether or not there is anything to put into them.
    """

    folders: ClassVar[tuple[str, ...]]

    def __init__(self, out: Path, labels: LabelSet) -> None:
        self.out, self.labels = out, labels
        for folder in self.folders:
            (out / folder).mkdir(parents=True)
        (out / "classes.txt").write_text("".join(f"{name}\n" for name in labels.names), encoding="utf-8")

    def photograph(self, one: Exported) -> Path:
        """Where a photograph belongs."""
        return self.out / "images" / one.name

    @abstractmethod
    def add(self, one: Exported) -> None:
        """Writes its mask."""

    @abstractmethod
    def finish(self) -> None:
        """Writes what belongs to all of them."""


class _Png(_Writer):
    """``images``, ``masks`` with a palette, ``train.txt`` and ``val.txt``: the data set ``folder``."""

    folders = ("images", "masks")

    def __init__(self, out: Path, labels: LabelSet) -> None:
        super().__init__(out, labels)
        self.ids: dict[str, list[str]] = {"train": [], "val": []}

    def add(self, one: Exported) -> None:
        write_mask(self.out / "masks" / f"{one.stem}.png", one.label_map, self.labels)
        self.ids[one.split].append(one.stem)

    def finish(self) -> None:
        for split, ids in self.ids.items():
            (self.out / f"{split}.txt").write_text("".join(f"{name}\n" for name in ids), encoding="utf-8")


class _MmSegmentation(_Writer):
    """``img_dir`` and ``ann_dir`` with a folder per split, and a config for ``BaseSegDataset``."""

    folders = ("ann_dir/train", "ann_dir/val", "img_dir/train", "img_dir/val")
    suffix = ".jpg"

    def photograph(self, one: Exported) -> Path:
        self.suffix = Path(one.name).suffix
        return self.out / "img_dir" / one.split / one.name

    def add(self, one: Exported) -> None:
        write_mask(self.out / "ann_dir" / one.split / f"{one.stem}.png", one.label_map, self.labels)

    def finish(self) -> None:
        names, palette = list(self.labels.names), [list(colour) for colour in self.labels.colours]
        lines = ["# Set data_root to where this folder lies.", "data_root = '.'"]
        lines += [f"metainfo = dict(classes={names!r}, palette={palette!r})"]
        for split in ("train", "val"):
            lines += [
                f"{split}_dataset = dict(",
                "    type='BaseSegDataset', data_root=data_root, metainfo=metainfo, reduce_zero_label=False,",
                f"    data_prefix=dict(img_path='img_dir/{split}', seg_map_path='ann_dir/{split}'),",
                f"    img_suffix={self.suffix!r}, seg_map_suffix='.png')",
            ]
        (self.out / "dataset.py").write_text("\n".join(lines) + "\n", encoding="utf-8")


class _Coco(_Writer):
    """``images`` and ``annotations/SPLIT.json``: one annotation per label of a photograph, as run lengths."""

    folders = ("annotations", "images")

    def __init__(self, out: Path, labels: LabelSet) -> None:
        super().__init__(out, labels)
        self.images: dict[str, list[dict[str, Any]]] = {"train": [], "val": []}
        self.annotations: dict[str, list[dict[str, Any]]] = {"train": [], "val": []}

    def add(self, one: Exported) -> None:
        height, width = one.label_map.shape
        number = one.item.task
        self.images[one.split].append({"id": number, "file_name": one.name, "width": width, "height": height})
        for label in _drawn(one.label_map):
            mask = one.label_map == label
            self.annotations[one.split].append(
                {
                    "id": sum(map(len, self.annotations.values())) + 1,
                    "image_id": number,
                    "category_id": label,
                    "segmentation": {"size": [height, width], "counts": run_lengths(mask)},
                    "area": int(mask.sum()),
                    "bbox": list(cv2.boundingRect(mask.view(np.uint8))),
                    "iscrowd": 0,
                }
            )

    def finish(self) -> None:
        categories = [
            {"id": label, "name": name, "supercategory": "person"}
            for label, name in enumerate(self.labels.names)
            if label
        ]
        for split, images in self.images.items():
            whole = {"images": images, "annotations": self.annotations[split], "categories": categories}
            (self.out / "annotations" / f"{split}.json").write_text(json.dumps(whole), encoding="utf-8")


class _Yolo(_Writer):
    """``images/SPLIT``, ``labels/SPLIT`` with a polygon per piece of a label, and ``data.yaml``; no background."""

    folders = ("images/train", "images/val", "labels/train", "labels/val")

    def photograph(self, one: Exported) -> Path:
        return self.out / "images" / one.split / one.name

    def add(self, one: Exported) -> None:
        file = self.out / "labels" / one.split / f"{one.stem}.txt"
        height, width = one.label_map.shape
        lines = [
            " ".join([str(label - 1), *(f"{value:.6f}" for value in (corners / (width, height)).ravel())])
            for label in _drawn(one.label_map)
            for corners in outlines(one.label_map == label)
        ]
        file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    def finish(self) -> None:
        names = "".join(f"  {label}: {json.dumps(name)}\n" for label, name in enumerate(self.labels.names[1:]))
        text = f"path: .\ntrain: images/train\nval: images/val\nnames:\n{names}"
        (self.out / "data.yaml").write_text(text, encoding="utf-8")


_WRITERS: Final[dict[str, type[_Writer]]] = {"png": _Png, "coco": _Coco, "yolo": _Yolo, "mmseg": _MmSegmentation}


def run_lengths(mask: NDArray[np.bool_]) -> list[int]:
    """COCO's run lengths of a mask: column by column, beginning with the pixels outside.

    Examples:
        >>> run_lengths(np.array([[0, 1], [1, 1]], bool))
        [1, 3]
    """
    flat = mask.ravel(order="F")
    changes = np.flatnonzero(np.diff(flat)) + 1
    edges = np.concatenate([[0], *([[0]] if flat[0] else []), changes, [flat.size]])
    return np.diff(edges).tolist()


def outlines(mask: NDArray[np.bool_]) -> Iterator[NDArray[np.float64]]:
    """Polygons around the pieces of a mask, float (corners, 2), x and y in pixels; edges lie between pixels.

    A hole is part of the polygon: the outline goes to it along a line, around it, and back along the same line.
    """
    if not mask.any():
        return
    left, top, width, height = cv2.boundingRect(mask.view(np.uint8))
    piece = mask.view(np.uint8)[top : top + height, left : left + width]
    # Four times as large, corners lie so near the edges of pixels that what is filled is what was drawn.
    scale = 4
    large = cv2.resize(piece, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST)
    found, tree = cv2.findContours(large, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    for number, (_, _, child, parent) in enumerate(tree[0]):
        if parent >= 0:
            continue
        whole = found[number][:, 0].astype(np.float64)
        while child >= 0:
            hole = found[child][:, 0].astype(np.float64)
            distances = ((whole[:, None] - hole[None]) ** 2).sum(2)
            here, there = np.unravel_index(distances.argmin(), distances.shape)
            around = np.concatenate([hole[there:], hole[: there + 1]])
            whole = np.concatenate([whole[: here + 1], around, whole[here:]])
            child = int(tree[0][child][0])
        yield (whole + 0.5) / scale + (left, top)


def _drawn(label_map: NDArray[np.uint8]) -> list[int]:
    return [label for label in np.unique(label_map).tolist() if label not in (0, IGNORE)]


def _write_photograph(source: bytes, file: Path) -> None:
    """The photograph as it was imported, or anew where it lies on its side or has another ending."""
    with Image.open(BytesIO(source)) as image:
        as_it_is = _ENDINGS.get(str(image.format)) == file.suffix and image.getexif().get(_ORIENTATION, 1) == 1
    if as_it_is:
        file.write_bytes(source)
    else:
        Image.fromarray(decode_photograph(source)).save(file, quality=_QUALITY)


def _names(index: Index, photographs: PhotographStore) -> dict[int, str]:
    """Name of each task's photograph: as it was imported, with its task where two have the same."""
    names: dict[int, str] = {}
    taken: set[str] = set()
    for item in index.items:
        name = _UNFIT.sub("_", _UPLOADED.sub("", _file_of(item.address))).strip(" .")
        stem = Path(name).stem or f"task-{item.task}"
        if stem.casefold() in taken:
            stem = f"{stem}-{item.task}"
        taken.add(stem.casefold())
        with Image.open(BytesIO(photographs.read(item.photograph))) as image:
            names[item.task] = stem + _ENDINGS.get(str(image.format), ".png")
    return names


def _file_of(address: str) -> str:
    """The file's name in an address; that of a local file stands in its query."""
    if address.startswith("data:"):
        return ""
    parts = urlsplit(address)
    local = parse_qs(parts.query).get("d")
    return Path(local[0] if local else unquote(parts.path)).name


@contextmanager
def _sources(out: Path) -> Iterator[Callable[[Exported], None]]:
    """Notes in ``sources.csv`` where each photograph comes from."""
    with (out / "sources.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "split", "task", "annotations", "address", "seconds", "clicks", "model version"])

        def note(one: Exported) -> None:
            item = one.item
            address = "data:" if item.address.startswith("data:") else without_query(item.address)
            annotations = " ".join(map(str, item.annotations))
            rows.writerow(
                [one.name, one.split, item.task, annotations, address, item.seconds, item.clicks, item.model_version]
            )

        yield note
