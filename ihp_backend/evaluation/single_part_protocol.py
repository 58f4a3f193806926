"""iDeepLab V3+ under its own protocol: every part is annotated by itself, then the parts are merged (IHP, Fig. 4d).

The first click on a part lies in its largest component. Each further one lies in the largest region where the part
as found so far is wrong: a positive click where the part is missing, a negative one where it is too much. In a round
every part gets one click, unless it has nothing left to correct.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from ihp_backend.clicks import Click, correction_click, localization_maps
from ihp_backend.datasets import ParsingDataset
from ihp_backend.evaluation.click_parser import check_labels
from ihp_backend.evaluation.part_curve import PartCurve, merge_parts, parts_of
from ihp_backend.labels import IGNORE
from ihp_backend.parsing import Scene
from ihp_backend.parsing.checkpoint import Checkpoint, CheckpointError, read_checkpoint
from ihp_backend.parsing.cores import available_cores
from ihp_backend.parsing.engines.base import Engine
from ihp_backend.parsing.engines.factory import make_engine
from ihp_backend.parsing.geometry import to_working_clicks, to_working_image, working_scale, working_sides

NETWORK = "InteractiveDeepLab"
"""The class of networks whose label 0 takes any negative click and whose parts do not know of one another."""


class PartParser:
    """A model folder of iDeepLab V3+, asked for one part at a time; see ``from_pretrained``.

    Attributes:
        labels: the model's label set.
        version: the model version.
    """

    def __init__(self, checkpoint: Checkpoint, engine: Engine) -> None:
        self.labels, self.version = checkpoint.labels, checkpoint.version
        self._checkpoint, self._engine = checkpoint, engine

    @classmethod
    def from_pretrained(
        cls, name_or_folder: str | Path, *, engine: str = "onnx", threads: int | None = None
    ) -> PartParser:
        """Loads a model folder; see ``Parser.from_pretrained`` for the arguments.

        Raises:
            CheckpointError: no such model, it is damaged, or its network does not find single parts.
        """
        checkpoint = read_checkpoint(name_or_folder)
        if checkpoint.network["class"] != NETWORK:
            raise CheckpointError(
                f"model: {checkpoint.folder} holds a {checkpoint.network['class']}, which does not find single parts; "
                f"give the folder of an {NETWORK}"
            )
        # Only live networks have engines of another kind.
        return cls(checkpoint, cast(Engine, make_engine(engine, checkpoint, threads or available_cores())))

    def open(self, image: NDArray[np.uint8]) -> Scene:
        """Prepares a photograph, uint8 (height, width, 3), as ``Parser.open`` does."""
        height, width = image.shape[:2]
        scale = working_scale(height, width, self._checkpoint.working_size)
        working = to_working_image(image, scale, self._checkpoint.multiple_of)
        return Scene(height, width, scale, (working.shape[:2], self._engine.encode(working)))

    def logits(self, scene: Scene, part: int, clicks: Sequence[Click]) -> NDArray[np.float32]:
        """Logits of the part, float32 (height, width); above 0 a pixel is more likely part than not.

        Args:
            scene: from ``open``.
            part: label id, not the background's.
            clicks: on this part alone, positive and negative, at least one positive, in image pixels.
        """
        signed = [Click(click.x, click.y, part if click.positive else 0) for click in clicks]
        (height, width), features = scene.features
        working = to_working_clicks(signed, scene.height, scene.width, scene.scale)
        maps = localization_maps(working, height, width, len(self.labels))
        coarse = self._engine.decode(features, maps)[part]
        fine = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
        rows, columns = working_sides(scene.height, scene.width, scene.scale)
        return cv2.resize(fine[:rows, :columns], (scene.width, scene.height)).astype(np.float32, copy=False)


def single_part_curve(
    parser: PartParser,
    samples: ParsingDataset,
    indices: Sequence[int],
    seed: int,
    *,
    rounds: int = 4,
    candidates: int = 5,
) -> Iterator[PartCurve]:
    """Runs the protocol; yields the growing curve after every photograph.

    Args:
        parser: what is measured; speaks the label set of ``samples``.
        samples: photographs with their true parsings.
        indices: which of them.
        seed: the clicks of a photograph depend on the seed, its index and the answers alone.
        rounds: clicks per part.
        candidates: random pixels of a region among which the most central one is clicked (the paper's N_c).

    Raises:
        ValueError: the parser speaks another label set.
    """
    check_labels(parser.labels, samples.labels)
    curve = PartCurve.empty(rounds, len(samples.labels))
    for index in indices:
        sample = samples[index]
        rng = np.random.default_rng([seed, index])
        scene = parser.open(sample.image)
        size = sample.parsing.shape
        found = {part: np.full(size, -np.inf, np.float32) for part in parts_of(sample.parsing)}
        clicks: dict[int, list[Click]] = {part: [] for part in found}
        answers = []
        for _ in range(rounds):
            for part, logits in found.items():
                truth = np.where(sample.parsing == IGNORE, IGNORE, sample.parsing == part).astype(np.uint8)
                click = part_click(truth, logits > 0, clicks[part], rng, candidates)
                if click is not None:
                    clicks[part].append(Click(click.x, click.y, part, positive=click.label == 1))
                    found[part] = parser.logits(scene, part, clicks[part])
            answers.append((merge_parts(found.items(), *size), sum(map(len, clicks.values()))))
        curve.add(sample.id, sample.parsing, answers)
        yield curve


def part_click(
    truth: NDArray[np.uint8],
    found: NDArray[np.bool_],
    clicked: Sequence[Click],
    rng: np.random.Generator,
    candidates: int = 5,
) -> Click | None:
    """The next click on a part, with label 1 where it is missing and 0 where it is too much; None when all is right.

    Args:
        truth: uint8 (height, width), 1 = part, 0 = not, 255 = ignore.
        found: bool (height, width), the part as it is found so far.
        clicked: clicks whose pixels are not clicked again.
        rng: source of randomness.
        candidates: see ``single_part_curve``.
    """
    places = {(click.x, click.y) for click in clicked}
    return correction_click(truth, found.astype(np.uint8), rng, candidates=candidates, clicked=places)
