"""ResultsFolder: what is written of parsed photographs, and which of them are done already.

Each kind of result has a folder in it, with the folders of the photographs below::

    settings.json              what made the results
    classes.txt                names of the labels by id
    masks/ANYWHERE/a.png       label maps
    overlays/ANYWHERE/a.jpg    pictures to look at
    json/ANYWHERE/a.json       labels, sizes, confidence
    predictions/ANYWHERE/a.json, labelling-config.xml, label-studio.json
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

import numpy as np
from PIL import Image

from ihp_backend.batch_parsing.named_photographs import NamedPhotograph
from ihp_backend.batch_parsing.photograph_parser import Parsed, PhotographParser
from ihp_backend.datasets.folder_dataset import CLASSES
from ihp_backend.datasets.folders import is_debris
from ihp_backend.datasets.writing import write_mask
from ihp_backend.evaluation.drawing import draw_parsing
from ihp_backend.label_studio.problems import shown
from ihp_backend.parsing.photograph import Photograph
from ihp_backend.storage.atomic_files import whole_file, write_json, write_whole

KINDS: Final = {
    "mask": ("masks", ".png"),
    "overlay": ("overlays", ".jpg"),
    "json": ("json", ".json"),
    "label-studio": ("predictions", ".json"),
}
"""Kinds of results -> the folder and the ending of their files."""

SETTINGS = "settings.json"
LABEL_STUDIO = "label-studio.json"
LABELLING_CONFIG = "labelling-config.xml"
_QUALITY = 90


class ResultsError(ValueError):
    """The folder cannot take these results; the text says why and what helps."""


class ResultsFolder:
    """A folder of results; may be shared by threads. Every file in it is whole or not there.

    Args:
        folder: made where it is missing.
        kinds: of results that are wanted, among ``KINDS``.
        parser: makes them.
    """

    def __init__(self, folder: Path, kinds: Sequence[str], parser: PhotographParser) -> None:
        self.folder, self.kinds, self._parser = folder, kinds, parser
        self._written: set[NamedPhotograph] = set()

    def begin(self, settings: Mapping[str, Any], *, again: bool = False) -> None:
        """Makes the folder ready for results that are made so.

        Args:
            settings: all that results depend on besides their photographs, fit for JSON.
            again: whether what is there counts no more.

        Raises:
            ResultsError: other files are in it, or results that were made in another way, unless ``again``.
            OSError: it cannot be written to.
        """
        file = self.folder / SETTINGS
        self.folder.mkdir(parents=True, exist_ok=True)
        new = not file.exists()
        if new:
            if others := sorted(path.name for path in self.folder.iterdir() if not is_debris(path.name)):
                raise ResultsError(f"out: {self.folder} holds other files ({others[0]}); give a new or an empty folder")
        elif not again:
            held = _settings(file)
            if changed := [name for name in settings if held.get(name) != settings[name]]:
                was = shown(held.get(changed[0], ""))
                raise ResultsError(
                    f"out: {self.folder} holds results of other {changed[0]} ({was}); give another folder, or --again "
                    "to make all of them anew"
                )
        if new or again:
            # What is older than this file counts no more, also after a command with ``again`` was interrupted.
            write_json(file, settings)
        write_whole(self.folder / CLASSES, "".join(f"{name}\n" for name in self._parser.labels.names))

    def is_done(self, photograph: NamedPhotograph) -> bool:
        """Whether all results of a photograph are there, and newer than it or made here."""
        if photograph in self._written:  # Clocks of cameras and other machines may be ahead.
            return True
        try:
            since = max(path.stat().st_mtime_ns for path in (photograph.path, self.folder / SETTINGS))
            return all(self._file(photograph, kind).stat().st_mtime_ns >= since for kind in self.kinds)
        except OSError:
            return False

    def write(self, named: NamedPhotograph, photograph: Photograph, parsed: Parsed) -> None:
        """Writes the results of a photograph.

        Raises:
            OSError: a file cannot be written.
        """
        labels = self._parser.labels
        for kind in self.kinds:
            file = self._file(named, kind)
            file.parent.mkdir(parents=True, exist_ok=True)
            if kind == "mask":
                write_mask(file, parsed.label_map, labels)
            elif kind == "overlay":
                picture = draw_parsing(photograph.pixels, parsed.label_map, labels, parsed.clicks, outlines=True)
                with whole_file(file) as opened:
                    Image.fromarray(picture).save(opened, "JPEG", quality=_QUALITY)
            elif kind == "json":
                write_json(file, self._record(named, photograph, parsed))
            else:
                write_whole(file, json.dumps(self._parser.prediction(parsed, named.name)))
        self._written.add(named)

    def write_label_studio(self, photographs: Iterable[NamedPhotograph], image_root: str) -> Path:
        """Writes the file to import into Label Studio, and the labelling config of its project.

        Args:
            photographs: that are done.
            image_root: what goes before a photograph's name in its address.

        Raises:
            OSError: a file cannot be read or written.
        """
        write_whole(self.folder / LABELLING_CONFIG, self._parser.config)
        file = self.folder / LABEL_STUDIO
        with whole_file(file) as opened:
            before = b"["
            for photograph in photographs:
                prediction = json.loads(self._file(photograph, "label-studio").read_bytes())
                task = self._parser.task(address(image_root, photograph.name), prediction)
                opened.write(before + b"\n" + json.dumps(task).encode())
                before = b","
            opened.write(b"\n]\n" if before == b"," else b"[]\n")
        return file

    def _file(self, photograph: NamedPhotograph, kind: str) -> Path:
        folder, ending = KINDS[kind]
        return self.folder / folder / f"{photograph.stem}{ending}"

    def _record(self, named: NamedPhotograph, photograph: Photograph, parsed: Parsed) -> dict[str, Any]:
        labels, (height, width) = self._parser.labels, parsed.label_map.shape
        pixels = np.bincount(parsed.label_map.ravel(), minlength=len(labels))
        return {
            "photograph": named.name,
            "width": width,
            "height": height,
            "model_version": self._parser.version,
            "labels": [
                {
                    "id": label,
                    "name": labels.names[label],
                    "pixels": int(pixels[label]),
                    "share": round(pixels[label] / parsed.label_map.size, 6),
                    "confidence": round(parsed.scores.get(label, 0.0), 4),
                }
                for label in np.flatnonzero(pixels).tolist()
            ],
            "clicks": [
                {"x": click.x, "y": click.y, "label": labels.names[click.label], "positive": click.positive}
                for click in parsed.clicks
            ],
            "notes": list(photograph.notes),
        }


def _settings(file: Path) -> dict[str, Any]:
    try:
        held = json.loads(file.read_bytes())
    except ValueError as error:
        raise ResultsError(f"out: {file} holds no settings of results ({error}); give another folder") from None
    return held if isinstance(held, dict) else {}


def address(root: str, name: str) -> str:
    """The address of a photograph below an image root.

    Only addresses that browsers ask for are percent-encoded: Label Studio takes those of storages as they are.

    Examples:
        >>> address("/data/local-files/?d=", "day 1/a.jpg")
        '/data/local-files/?d=day%201/a.jpg'
        >>> address("https://host/photographs", "day 1/a.jpg")
        'https://host/photographs/day%201/a.jpg'
        >>> address("s3://bucket", "day 1/a.jpg")
        's3://bucket/day 1/a.jpg'
    """
    before = root if not root or root.endswith(("/", "=")) else f"{root}/"
    return before + (quote(name) if urlsplit(root).scheme in ("", "http", "https") else name)
