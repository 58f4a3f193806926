"""Parser: photographs and clicks in, label maps out; the one door to a model for server, scripts and tests.

Concurrency. A Parser may be shared by any number of threads. It keeps no state between calls: a Scene is immutable
and carries everything that was prepared for its photograph, and all clicks of a scene are given with every call.
The engine lets one network run at a time (one run uses every core already, or the whole GPU); scaling the photograph,
making localization maps, up-sampling and everything before and after runs freely in the callers' threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ihp_backend.clicks import Click, localization_maps
from ihp_backend.labels import LabelSet, match_labels
from ihp_backend.parsing.checkpoint import Checkpoint, read_checkpoint
from ihp_backend.parsing.cores import available_cores
from ihp_backend.parsing.engine import Engine
from ihp_backend.parsing.engines import make_engine
from ihp_backend.parsing.geometry import to_working_clicks, to_working_image, working_scale
from ihp_backend.parsing.obedience import obey
from ihp_backend.parsing.scene import Parse, Scene
from ihp_backend.parsing.upsampling import label_map_from_logits


class Parser:
    """A model ready to parse; see ``from_pretrained``.

    Attributes:
        labels: the label set that clicks and label maps speak.
        version: the model version that goes out with predictions.
        obedient: whether clicks that the network does not follow are settled on its logits.
    """

    def __init__(
        self, checkpoint: Checkpoint, engine: Engine, labels: LabelSet | None = None, *, obedient: bool = True
    ) -> None:
        self.labels = labels or checkpoint.labels
        self.version = checkpoint.version
        self.obedient = obedient
        self._checkpoint, self._engine = checkpoint, engine
        self._to_model, self._from_model = _translation(self.labels, checkpoint.labels)

    @classmethod
    def from_pretrained(
        cls,
        name_or_folder: str | Path | None = None,
        labels: LabelSet | Sequence[str] | None = None,
        *,
        engine: str = "onnx",
        threads: int | None = None,
        obedient: bool = True,
    ) -> Parser:
        """Loads a model.

        Args:
            name_or_folder: a packaged model's name, a model folder, or None for the packaged default model.
            labels: the label set (or its names, background first) to speak; matched to the model's labels by name,
                spelling aside. Model labels that are not in it turn into background. None: the model's own.
            engine: "onnx" (CPU, without torch) or "torch" (CUDA in half precision when there is one).
            threads: processor threads per network run; None: as many as the process may use.
            obedient: False leaves clicks that the network does not follow as they are, which is for measuring the
                network alone.

        Raises:
            CheckpointError: no such model, or it is damaged.
            ValueError: the model lacks some of ``labels``.
        """
        checkpoint = read_checkpoint(name_or_folder)
        if labels is not None and not isinstance(labels, LabelSet):
            labels = LabelSet(tuple(labels))
        return cls(checkpoint, make_engine(engine, checkpoint, threads or available_cores()), labels, obedient=obedient)

    def open(self, image: NDArray[np.uint8]) -> Scene:
        """Prepares a photograph for clicks.

        Args:
            image: uint8 (height, width, 3), RGB, upright (see ``decode_photograph``), any size.

        Raises:
            ValueError: another shape or type.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
            raise ValueError(f"image: {image.dtype} {image.shape} given, uint8 (height, width, 3) in RGB needed")
        height, width = image.shape[:2]
        scale = working_scale(height, width, self._checkpoint.working_size)
        working = to_working_image(image, scale, self._checkpoint.multiple_of)
        return Scene(height, width, scale, (working.shape[:2], self._engine.encode(working)))

    def parse(self, scene: Scene, clicks: Sequence[Click], previous: NDArray[np.uint8] | None = None) -> Parse:
        """The parsing of ``scene`` with all its clicks.

        Args:
            scene: from ``open`` of this parser.
            clicks: all clicks that stand, oldest first, in image pixels with ids of ``labels``; may be empty.
            previous: uint8 (height, width), the parsing so far; checked, and unused by networks that take none.

        Raises:
            ValueError: a click outside the image or of a label that does not exist, ``previous`` of another size.
        """
        if previous is not None and previous.shape != (scene.height, scene.width):
            raise ValueError(f"previous: {previous.shape} given, the scene is {(scene.height, scene.width)}")
        translated = [Click(c.x, c.y, self._model_label(c.label), c.positive) for c in clicks]
        working_clicks = to_working_clicks(translated, scene.height, scene.width, scene.scale)
        (height, width), features = scene.features
        maps = localization_maps(working_clicks, height, width, len(self._checkpoint.labels))
        logits = self._engine.decode(features, maps)
        stride = height // logits.shape[1]
        if self.obedient:
            logits = obey(logits, working_clicks, stride)
        # The working image without its padding spans max(round(side * scale), 1) pixels, not exactly side * scale.
        rows = max(round(scene.height * scene.scale), 1) / scene.height / stride
        columns = max(round(scene.width * scene.scale), 1) / scene.width / stride
        label_map = label_map_from_logits(logits, scene.height, scene.width, rows, columns)
        confidence = _confidence(logits)[self._to_model]
        return Parse(self._from_model[label_map], confidence)

    def _model_label(self, label: int) -> int:
        if not 0 <= label < len(self.labels):
            raise ValueError(f"click: label id {label} does not exist; ids go from 0 to {len(self.labels) - 1}")
        return int(self._to_model[label])


def _translation(labels: LabelSet, model_labels: LabelSet) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
    """Look-up tables from label ids to the model's and back.

    Raises:
        ValueError: the model lacks some of the labels.
    """
    if labels == model_labels:
        return np.arange(len(labels)), np.arange(len(labels), dtype=np.uint8)
    match = match_labels(labels.names, model_labels)
    if match.unmatched:
        raise ValueError(
            f"labels: the model has no {', '.join(map(repr, match.unmatched))}; "
            f"it knows {', '.join(model_labels.names)}"
        )
    to_model = np.array([match.ids[name] for name in labels.names])
    from_model = np.zeros(len(model_labels), np.uint8)
    from_model[to_model] = np.arange(len(labels))
    return to_model, from_model


def _confidence(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Per label the mean probability over the coarse pixels where it is best, float32 (num_labels,); 0 for none."""
    shifted = np.exp(logits - logits.max(0))
    probability = 1 / shifted.sum(0)
    best = logits.argmax(0).ravel()
    count = np.bincount(best, minlength=len(logits))
    total = np.bincount(best, weights=probability.ravel(), minlength=len(logits))
    return np.divide(total, count, out=np.zeros(len(logits)), where=count > 0).astype(np.float32)
