"""Engines: what runs the network of a model folder; sizes, clicks and label maps are the Parser's business."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ihp_backend.parsing.arrays import PlaceArray, as_they_are
from ihp_backend.parsing.checkpoint import AnswerError
from ihp_backend.parsing.convex_upsampling import STRIDE


class Engine(ABC):
    """Runs one network. Safe to share between threads."""

    @abstractmethod
    def encode(self, image: NDArray[np.uint8]) -> Any:
        """Features that need no clicks, from a padded working image uint8 (H, W, 3)."""

    @abstractmethod
    def decode(self, features: Any, click_maps: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Logits float32 (num_labels, h, w) for localization maps uint8 (num_labels, H, W).

        Raises:
            AnswerError: they are not finite.
        """


def finite(what: str, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The values; raises ``AnswerError`` if one is NaN or infinite, since their argmax would be a label like any."""
    if not np.isfinite(values).all():
        raise AnswerError(what)
    return values


class Encoded(NamedTuple):
    """A photograph, encoded.

    Attributes:
        features: what the decoder takes; belongs to the engine that made it.
        shares: float32 (h, w, 16, 9), of the nine cells around each cell in each of its pixels.
        strongest: float32 (known labels,), the largest prior of each known label in the photograph.
        background: float32 (h, w), the prior of the background.
        likeliest: uint8 (h, w), the known label with the largest prior.
    """

    features: Any
    shares: NDArray[np.float32]
    strongest: NDArray[np.float32]
    background: NDArray[np.float32]
    likeliest: NDArray[np.uint8]


class DecoderInputs(NamedTuple):
    """Inputs of the decoder, for n clicks and A labels.

    Attributes:
        places: int64 (n, 2), y and x of the clicks in working pixels; those in other views of a photograph lie beyond
            the edges of this one.
        own, against: float32 (n, A), 1 where a positive, a negative click has the label.
        known: float32 (A, known labels), which labels of the model each label stands for.
        previous: float32 (A, h, w), share of each cell that the parsing so far gives to each label.
        looks: float32 (n, channels), see ``LiveEngine.looks``, of the clicks in the views in which they are seen best;
            None: all of them lie in this one.
        needed: bool (h, w), cells whose logits anybody looks at; elsewhere, and in all of the view if only the first
            label, the background, has anything to say there, they need not be computed. None: all of them.
        labels: uint8 (A,), ids of the rows, ascending; an engine may keep what it worked out for them until the next
            request about the same features, which then costs what has changed. None: it keeps nothing.
    """

    places: NDArray[np.int64]
    own: NDArray[np.float32]
    against: NDArray[np.float32]
    known: NDArray[np.float32]
    previous: NDArray[np.float32]
    looks: NDArray[np.float32] | None = None
    needed: NDArray[np.bool_] | None = None
    labels: NDArray[np.uint8] | None = None

    def inside(self) -> NDArray[np.bool_]:
        """Whether each click lies in the view, bool (n,)."""
        height, width = self.previous.shape[1:]
        y, x = self.places.T // STRIDE
        return np.asarray((y >= 0) & (x >= 0) & (y < height) & (x < width))


class LiveEngine(ABC):
    """Runs one live network. Safe to share between threads."""

    @abstractmethod
    def encode(self, image: NDArray[np.uint8], place: PlaceArray = as_they_are) -> Encoded:
        """The features of a padded working image.

        Args:
            image: uint8 (H, W, 3).
            place: where the numpy arrays of the features go.

        Raises:
            AnswerError: they are not finite.
        """

    @abstractmethod
    def looks(self, features: Any, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """Embedding and colours in which a click is compared with every cell.

        Args:
            features: of ``Encoded``.
            places: int64 (n, 2), y and x in working pixels.

        Returns:
            float32 (n, channels).
        """

    @abstractmethod
    def decode(self, features: Any, inputs: DecoderInputs) -> NDArray[np.float32]:
        """Logits float32 (A, h, w) at stride 4; raises ``AnswerError`` if they are not finite."""
