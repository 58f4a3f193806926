"""Parser: photographs and clicks in, label maps out; the one door to a model for server, scripts and tests.

Concurrency. A Parser may be shared by any number of threads. It keeps no state between calls: a Scene is immutable
and carries everything that was prepared for its photograph, and all clicks of a scene are given with every call.
The engine lets one network run at a time (one run uses every core already, or the whole GPU); scaling the photograph,
making localization maps, up-sampling and everything before and after runs freely in the callers' threads.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ihp_backend.clicks import Click
from ihp_backend.labels import LabelSet
from ihp_backend.parsing.answer import Answer
from ihp_backend.parsing.any_labels import AnyLabels
from ihp_backend.parsing.arrays import PlaceArray, as_they_are
from ihp_backend.parsing.checkpoint import Checkpoint, read_checkpoint
from ihp_backend.parsing.click_enforcement import settle
from ihp_backend.parsing.convex_upsampling import ConvexAnswer
from ihp_backend.parsing.cores import available_cores
from ihp_backend.parsing.engines.averaged_engine import AveragedEngine
from ihp_backend.parsing.engines.base import Engine, LiveEngine
from ihp_backend.parsing.engines.factory import make_engine
from ihp_backend.parsing.fixed_labels import FixedLabels
from ihp_backend.parsing.geometry import (
    overview_scale,
    to_working_clicks,
    to_working_image,
)
from ihp_backend.parsing.joined_views import Extents, JoinedParse
from ihp_backend.parsing.label_network import Network
from ihp_backend.parsing.last_answer import LastAnswer, SoFar
from ihp_backend.parsing.people import HEADS
from ihp_backend.parsing.rectangle import Rectangle
from ihp_backend.parsing.scene import Parse, Scene
from ihp_backend.parsing.windows import View, Windows


class Parser:
    """A model ready to parse; see ``from_pretrained``.

    Attributes:
        labels: the label set that clicks and label maps speak.
        version: the model version that goes out with predictions.
        enforce_clicks: whether clicks that the network does not follow are settled on its logits.
        unfiltered: whether a live network also shows what it is unsure of and nobody clicked or drew; one that was not
            calibrated always does.
        any_labels: whether it answers labels that its network was not trained on.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        engine: Engine | LiveEngine,
        labels: LabelSet | None = None,
        *,
        enforce_clicks: bool = True,
        unfiltered: bool = False,
        known_ids: Mapping[str, Sequence[int]] | None = None,
    ) -> None:
        self.labels = labels or checkpoint.labels
        self.version = checkpoint.version
        self.enforce_clicks, self.unfiltered = enforce_clicks, unfiltered
        self.any_labels = isinstance(engine, LiveEngine)
        self._checkpoint, self._engine = checkpoint, engine
        self._multiple_of = checkpoint.multiple_of
        self._heads = [label for label, name in enumerate(checkpoint.labels.names) if name.casefold() in HEADS]
        self._network: Network
        if isinstance(engine, LiveEngine):
            temperature = None if unfiltered else checkpoint.temperature
            self._network = AnyLabels(engine, checkpoint.labels, self.labels, known_ids, temperature)
        else:
            self._network = FixedLabels(engine, checkpoint.labels, self.labels)

    @classmethod
    def from_pretrained(
        cls,
        name_or_folder: str | Path | None = None,
        labels: LabelSet | Sequence[str] | None = None,
        *,
        engine: str = "onnx",
        threads: int | None = None,
        enforce_clicks: bool = True,
        unfiltered: bool = False,
    ) -> Parser:
        """Loads a model.

        Args:
            name_or_folder: a packaged model's name, a model folder, or None for the packaged default model.
            labels: the label set (or its names, background first) to speak; the model's labels become these as
                ``map_labels`` says, and those that are not in it background. A live network also answers labels
                that it does not know. None: the model's own.
            engine: "onnx" (CPU, without torch) or "torch" (CUDA in half precision when there is one).
            threads: processor threads per network run; None: as many as the process may use.
            enforce_clicks: False leaves clicks that the network does not follow as they are, which is for measuring the
                network alone.
            unfiltered: True shows also labels and crumbs that a live network is unsure of and nobody clicked or drew,
                for the same purpose.

        Raises:
            CheckpointError: no such model, or it is damaged.
            ValueError: the model lacks some of ``labels`` and takes no others.
        """
        checkpoint = read_checkpoint(name_or_folder)
        if labels is not None and not isinstance(labels, LabelSet):
            labels = LabelSet(tuple(labels))
        running = make_engine(engine, checkpoint, threads or available_cores())
        return cls(checkpoint, running, labels, enforce_clicks=enforce_clicks, unfiltered=unfiltered)

    def with_labels(self, labels: LabelSet, known_ids: Mapping[str, Sequence[int]] | None = None) -> Parser:
        """Parser of the same model in other labels; scenes that one of the two opened serve the other.

        Args:
            labels: the label set to speak.
            known_ids: name of a label -> ids of the model's labels that become it, for networks that take any; None:
                those of ``map_labels``.

        Raises:
            ValueError: the model lacks some of ``labels`` and takes no others.
        """
        how = {"enforce_clicks": self.enforce_clicks, "unfiltered": self.unfiltered}
        return Parser(self._checkpoint, self._engine, labels, known_ids=known_ids, **how)

    def averaged(self, scales: Sequence[float] = (1.0,), flip: bool = False) -> Parser:
        """Parser of the same model that answers, without clicks, by mean probabilities (test-time augmentation).

        Args:
            scales: of the working image.
            flip: whether it is also seen mirrored; left and right labels are exchanged back.

        Raises:
            ValueError: a live network, or a scale that makes no sense; see ``AveragedEngine``.
        """
        if isinstance(self._engine, LiveEngine):
            raise ValueError(
                f"scales, flip: {self.version} is a live network, which has no probabilities of all labels to average; "
                "measure it without"
            )
        mirrored_ids = self._checkpoint.labels.mirrored_ids()
        engine = AveragedEngine(self._engine, mirrored_ids, self._multiple_of, scales, flip)
        version = f"{self.version}, scales {', '.join(f'{scale:g}' for scale in scales)}{', mirrored' * flip}"
        checkpoint = replace(self._checkpoint, version=version)
        return Parser(checkpoint, engine, self.labels, enforce_clicks=self.enforce_clicks, unfiltered=self.unfiltered)

    def speaking(self, labels: LabelSet, known_ids: Mapping[str, Sequence[int]] | None = None) -> Parser:
        """``with_labels`` under its former name, for one release."""
        warnings.warn("Parser.speaking is now Parser.with_labels", DeprecationWarning, stacklevel=2)
        return self.with_labels(labels, known_ids)

    def open(self, image: NDArray[np.uint8], place: PlaceArray = as_they_are) -> Scene:
        """Prepares a photograph for clicks.

        Args:
            image: uint8 (height, width, 3), RGB, upright (see ``decode_photograph``), any size.
            place: where the scene's arrays go, also those of windows that are encoded later; see ``SceneFile``.

        Raises:
            ValueError: another shape or type.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
            raise ValueError(f"image: {image.dtype} {image.shape} given, uint8 (height, width, 3) in RGB needed")
        height, width = image.shape[:2]
        scale = overview_scale(height, width, self._checkpoint.working_size)
        encode = partial(self._network.encode, place=place)
        features = encode(to_working_image(image, scale, self._multiple_of))
        windows = None
        if isinstance(self._network, AnyLabels):
            windows = Windows(
                image,
                scale,
                features,
                self._heads,
                encode,
                self._checkpoint.working_size,
                self._multiple_of,
                place,
            )
        return Scene(height, width, scale, features, windows=windows)

    def parse(
        self,
        scene: Scene,
        clicks: Sequence[Click],
        previous: NDArray[np.uint8] | None = None,
        last: LastAnswer | None = None,
    ) -> Parse:
        """The parsing of ``scene`` with all its clicks.

        Args:
            scene: from ``open`` of this parser.
            clicks: all clicks that stand, oldest first, in image pixels with ids of ``labels``; may be empty.
            previous: uint8 (height, width), the parsing so far: what is drawn or accepted, 255 elsewhere; checked, and
                unused by networks that take none.
            last: the answer before the newest click, of a parser with the same labels; what is drawn comes first.
                Unused if one of its clicks is gone, and by networks that take no parsing so far.

        Raises:
            ValueError: a click outside the image or of a label that does not exist, ``previous`` of another size.
        """
        self._check(scene, clicks, previous)
        so_far = SoFar(previous, last if last is not None and last.stands(clicks) else None, clicks)
        clicks = [*clicks, *self._second_choices(scene, clicks, previous)]
        if (windows := self._windows(scene, clicks)) and isinstance(self._network, AnyLabels):
            parse = self._joined(self._network, scene.overview, windows, clicks, so_far)
        else:
            answer = self._enforced(self._overview(scene, clicks, so_far), scene.overview, clicks)
            cells = answer.cells(self._checkpoint.temperature or 1.0)
            rows, columns = scene.overview.sides
            per_pixel = (rows / scene.height / answer.stride, columns / scene.width / answer.stride)
            label_map = answer.label_map(scene.height, scene.width, rows, columns)
            parse = Parse(label_map, answer.confidence(cells, len(self.labels)), cells, per_pixel)
        if self.enforce_clicks:
            settle(parse.label_map, clicks, scene.scale)
        return parse

    def answer(self, scene: Scene, clicks: Sequence[Click], previous: NDArray[np.uint8] | None = None) -> Answer:
        """The overview's logits behind ``parse``; arguments and errors as there."""
        self._check(scene, clicks, previous)
        return self._enforced(self._overview(scene, clicks, SoFar(previous)), scene.overview, clicks)

    def _check(self, scene: Scene, clicks: Sequence[Click], previous: NDArray[np.uint8] | None) -> None:
        if previous is not None and previous.shape != (scene.height, scene.width):
            raise ValueError(f"previous: {previous.shape} given, the scene is {(scene.height, scene.width)}")
        for click in clicks:
            if not 0 <= click.label < len(self.labels):
                raise ValueError(
                    f"click: label id {click.label} does not exist; ids go from 0 to {len(self.labels) - 1}"
                )
        to_working_clicks(clicks, scene.height, scene.width, scene.scale)  # Raises for those outside.

    def _second_choices(self, scene: Scene, clicks: Sequence[Click], previous: NDArray[np.uint8] | None) -> list[Click]:
        """For each denied place a click of the label that comes next there.

        Denied alone, a label gives up little more than the pixel: the network learned from clicks that say what is
        there. Where it would not be the answer anyway, no other is needed. The last answer is left aside, since what
        was denied is not in it any more.
        """
        denied = [click for click in clicks if not click.positive]
        if not denied or not isinstance(self._network, AnyLabels):
            return []
        said = [click for click in clicks if click.positive]
        windows = self._windows(scene, clicks)
        extents = Extents(windows, (scene.height, scene.width))
        looks = self._looks(self._network, [scene.overview, *windows], extents.homes(said), said)
        of_view: dict[int | None, list[Click]] = {}
        for click, home in zip(denied, extents.homes(denied), strict=True):
            of_view.setdefault(home, []).append(click)
        chosen = []
        for home, here in of_view.items():
            view = scene.overview if home is None else windows[home]
            drawn = SoFar(previous).in_view(view, self._multiple_of)
            answer = self._network.ask(view.features, view.clicks(said), drawn, looks)
            for click, place in zip(here, view.clicks(here), strict=True):
                logits = answer.logits[:, place.y // answer.stride, place.x // answer.stride]
                best, *others = answer.labels[np.argsort(-logits)].tolist()
                if best == click.label and others:
                    chosen.append(replace(click, label=others[0], positive=True))
        return chosen

    def _overview(self, scene: Scene, clicks: Sequence[Click], so_far: SoFar) -> Answer:
        """The overview's answer before clicks are enforced."""
        working_clicks = to_working_clicks(clicks, scene.height, scene.width, scene.scale)
        return self._network.ask(scene.features, working_clicks, so_far.in_view(scene.overview, self._multiple_of))

    def _enforced(self, answer: Answer, view: View, clicks: Sequence[Click]) -> Answer:
        """A view's answer in which the clicks in it are followed."""
        if not self.enforce_clicks:
            return answer
        rows, columns = view.sides
        inside = [click for click in view.clicks(clicks) if 0 <= click.y < rows and 0 <= click.x < columns]
        return answer.enforce_clicks(inside)

    def windows(self, scene: Scene, clicks: Sequence[Click]) -> list[Rectangle]:
        """The windows through which ``parse`` looks at a scene with these clicks, in pixels of the photograph."""
        if scene.windows is None or not isinstance(self._network, AnyLabels):
            return []
        knows = self._network.knows
        return scene.windows.boxes((click, knows(click.label)) for click in clicks)

    def _windows(self, scene: Scene, clicks: Sequence[Click]) -> list[View]:
        return [scene.windows.view(box) for box in self.windows(scene, clicks)] if scene.windows else []

    def _joined(
        self,
        network: AnyLabels,
        overview: View,
        windows: Sequence[View],
        clicks: Sequence[Click],
        so_far: SoFar,
    ) -> Parse:
        """The parsing of an overview and the windows in it."""
        multiple = self._multiple_of
        extents = Extents(windows, (overview.box.height, overview.box.width))
        homes = extents.homes(clicks)
        looks = self._looks(network, [overview, *windows], homes, clicks)
        answers = [
            network.ask(
                view.features,
                view.clicks(clicks),
                so_far.in_view(view, multiple),
                looks,
                extents.needed(number),
            )
            for number, view in enumerate(windows)
        ]
        crossed = [number for number, answer in enumerate(answers) if extents.crossed(number, answer)]
        beside = extents.beside(overview, crossed)
        drawn = so_far.in_view(overview, multiple)
        around = network.ask(overview.features, overview.clicks(clicks), drawn, needed=beside)
        outside = [click for click, home in zip(clicks, homes, strict=True) if home is None]
        enforced = self._enforced(around, overview, outside)
        assert isinstance(enforced, ConvexAnswer)
        joined = JoinedParse(overview, enforced, beside, self._checkpoint.temperature or 1.0, len(self.labels))
        for number, (view, answer) in enumerate(zip(windows, answers, strict=True)):
            if number in crossed:
                answer = extents.mixed(number, answer, overview, around)
            joined.add(extents, number, view, self._enforced(answer, view, clicks))
        return joined.parse()

    def _looks(
        self, network: AnyLabels, views: Sequence[View], homes: Sequence[int | None], clicks: Sequence[Click]
    ) -> NDArray[np.float32] | None:
        """How each click looks where it is seen best, float32 (n, channels)."""
        if not clicks:
            return None
        found: NDArray[np.float32] | None = None
        for number, view in zip([None, *range(len(views) - 1)], views, strict=True):
            here = [place for place, home in enumerate(homes) if home == number]
            if here:
                looks = network.looks(view.features, view.clicks([clicks[place] for place in here]))
                if found is None:
                    found = np.empty((len(clicks), looks.shape[1]), np.float32)
                found[here] = looks
        return found
