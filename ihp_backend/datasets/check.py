"""check_dataset: reads every sample of a data set and tells what is in it and what is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import cc3d
import numpy as np
from numpy.typing import NDArray

from ihp_backend.datasets.assumption_checks import lies_right_of, weighed
from ihp_backend.datasets.sample import ParsingDataset, SampleError, StoredDataset
from ihp_backend.labels import IGNORE, LabelSet

_AHEAD = 8


@dataclass(frozen=True)
class Fault:
    """Something that makes a sample unusable: where, what, and what to do about it."""

    file: str
    value: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}: {self.value}; {self.remedy}"


@dataclass
class Report:
    """Contents of a split; the sums are over its readable samples.

    Attributes:
        labels: the data set's labels.
        photographs: number of samples, readable or not.
        readable: number of readable ones.
        faults: one per unusable sample, and what is wrong with the whole.
        pixels: int64 (num_labels,), pixels of each label.
        ignored: pixels to be ignored.
        photographs_with: int64 (num_labels,), photographs that show the label.
        components: connected components (8 neighbours) of parts.
        clickable_components: those of at least ``minimum_area`` pixels, which get an initial click.
        clickable_labels: labels with such a component, summed over photographs; the background counts once.
        minimum_area: in pixels.
        assumptions: what was assumed about the files and on what evidence, by the option that says otherwise.
    """

    labels: LabelSet
    photographs: int
    minimum_area: int
    readable: int = 0
    faults: list[Fault] = field(default_factory=list)
    pixels: NDArray[np.int64] = field(init=False)
    ignored: int = 0
    photographs_with: NDArray[np.int64] = field(init=False)
    components: int = 0
    clickable_components: int = 0
    clickable_labels: int = 0
    assumptions: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.pixels = np.zeros(len(self.labels), np.int64)
        self.photographs_with = np.zeros(len(self.labels), np.int64)

    @property
    def labels_per_photograph(self) -> float:
        """Mean number of labels a photograph shows, the background included: the paper's K."""
        return self._mean(int(self.photographs_with.sum()))

    @property
    def clickable_labels_per_photograph(self) -> float:
        """Mean number of labels per photograph that get an initial click."""
        return self._mean(self.clickable_labels)

    @property
    def components_per_photograph(self) -> float:
        """Mean number of components of parts."""
        return self._mean(self.components)

    @property
    def initial_clicks_per_photograph(self) -> float:
        """Mean number of components that get an initial click, and one click on the background where there is one."""
        return self._mean(self.clickable_components + int(self.photographs_with[0]))

    def _mean(self, total: int) -> float:
        return total / self.readable if self.readable else 0.0

    def to_dict(self) -> dict[str, object]:
        """JSON-ready."""
        share = self.pixels / max(int(self.pixels.sum()), 1)
        return {
            "photographs": self.photographs,
            "readable": self.readable,
            "minimum_area": self.minimum_area,
            "labels_per_photograph": round(self.labels_per_photograph, 4),
            "clickable_labels_per_photograph": round(self.clickable_labels_per_photograph, 4),
            "components_per_photograph": round(self.components_per_photograph, 4),
            "initial_clicks_per_photograph": round(self.initial_clicks_per_photograph, 4),
            "ignored_pixels": self.ignored,
            "assumptions": self.assumptions,
            "labels": [
                {"id": label, "name": name, "pixels": int(self.pixels[label]), "pixel_share": round(float(part), 8),
                 "photographs": int(self.photographs_with[label])}
                for label, (name, part) in enumerate(zip(self.labels.names, share, strict=True))
            ],
            "faults": [{"file": fault.file, "value": fault.value, "remedy": fault.remedy} for fault in self.faults],
        }  # fmt: skip


def check_dataset(
    dataset: StoredDataset,
    *,
    minimum_area: int = 60,
    workers: int = 1,
    progress: Callable[[int], object] = lambda done: None,
) -> Report:
    """Reads all photographs and masks.

    Args:
        dataset: any; faults of single samples are collected and not raised.
        minimum_area: smaller components get no initial click (pixels).
        workers: threads that read.
        progress: called with the number of samples done so far.
    """
    report = Report(dataset.labels, len(dataset), minimum_area)
    if not len(dataset):
        report.faults.append(Fault("split", "no photographs", dataset.if_empty))
    for name, count in Counter(dataset.ids).items():
        if count > 1:
            report.faults.append(Fault(name, f"listed {count} times", "list every photograph once"))
    sides: list[NDArray[np.int64]] = []
    for done, looked in enumerate(_in_order(dataset, minimum_area, workers), start=1):
        if isinstance(looked, Fault):
            report.faults.append(looked)
        else:
            _add(report, looked)
            sides.append(looked.sides)
        progress(done)
    places = np.concatenate(sides) if sides else np.zeros(0)
    person, viewer = int((places > 0).sum()), int((places < 0).sum())
    report.assumptions, against = weighed(dataset.assumptions, dataset.labels, report.pixels, person, viewer)
    report.faults += [Fault(option, seen, remedy) for option, seen, remedy in against]
    return report


@dataclass(frozen=True)
class _Look:
    """Contents of one parsing: pixels of each id, components, labels of those that get an initial click, sides."""

    pixels: NDArray[np.int64]
    components: int
    clickable: NDArray[np.uint8]
    sides: NDArray[np.int64]


def _in_order(dataset: ParsingDataset, minimum_area: int, workers: int) -> Iterator[_Look | Fault]:
    """The findings on every sample; only a few are read ahead, so that an interruption ends it soon."""
    with ThreadPoolExecutor(workers) as pool:
        waiting = []
        try:
            for index in range(len(dataset)):
                waiting.append(pool.submit(_look, dataset, index, minimum_area))
                if len(waiting) >= _AHEAD * workers:
                    yield waiting.pop(0).result()
            while waiting:
                yield waiting.pop(0).result()
        finally:
            pool.shutdown(cancel_futures=True)


def _look(dataset: ParsingDataset, index: int, minimum_area: int) -> _Look | Fault:
    try:
        parsing = dataset[index].parsing
    except SampleError as error:
        return Fault(error.file, error.value, error.remedy)
    components = cc3d.connected_components(np.where(parsing == IGNORE, 0, parsing), connectivity=8)
    areas = np.bincount(components.ravel())[1:]
    first = np.unique(components, return_index=True)[1][-len(areas) :] if len(areas) else np.empty(0, np.int64)
    clickable = parsing.ravel()[first][areas >= minimum_area]
    sides = lies_right_of(parsing, dataset.labels)
    return _Look(np.bincount(parsing.ravel(), minlength=256), len(areas), clickable, sides)


def _add(report: Report, look: _Look) -> None:
    known = look.pixels[: len(report.labels)]
    report.readable += 1
    report.pixels += known
    report.ignored += int(look.pixels[IGNORE])
    report.photographs_with += known > 0
    report.components += look.components
    report.clickable_components += len(look.clickable)
    report.clickable_labels += len(np.unique(look.clickable)) + int(known[0] > 0)
