"""ONNX Runtime engines: they serve on a CPU, without torch.

A label's decoding fits into a core's cache and many labels' does not. So labels are decoded one at a time, and each
core takes the next one when it is done, instead of all of them in one run on all cores; each only where anything speaks
for it.
"""

from __future__ import annotations

import itertools
import weakref
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
from cachetools import LRUCache
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from ihp_backend.parsing.answer import first_best
from ihp_backend.parsing.arrays import PlaceArray, as_they_are
from ihp_backend.parsing.checkpoint import Checkpoint, CheckpointError
from ihp_backend.parsing.click_kernels import Floats
from ihp_backend.parsing.cores import Cores
from ihp_backend.parsing.decoding import Decoding
from ihp_backend.parsing.engines.base import DecoderInputs, Encoded, Engine, LiveEngine, finite
from ihp_backend.parsing.geometry import as_batch
from ihp_backend.parsing.label_planes import LabelPlanes, look_at
from ihp_backend.parsing.turns import Turn


def open_session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    """The network in a file, on the CPU.

    Raises:
        CheckpointError: ONNX Runtime refuses the file.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that spin after a run take processor time from other clicks.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    # Photographs come in many sizes; a plan of memory per size would grow without bound.
    options.enable_mem_pattern = False
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's exceptions have no common base of their own.
        raise CheckpointError(f"model: {path} is refused by ONNX Runtime ({error}); export it again") from error


class OnnxEngine(Engine):
    """Runs ``model.onnx``: inputs ``image`` and ``click_maps``, output ``logits``, any height and width.

    Raises:
        CheckpointError: ONNX Runtime refuses the file.
    """

    def __init__(self, checkpoint: Checkpoint, threads: int) -> None:
        self._session = open_session(checkpoint.file("model.onnx"), threads)
        # One run already uses every core; two at once would only evict each other's caches.
        self._turn = Turn()

    def encode(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The photograph as the network takes it, uint8 (1, 3, H, W): in the paper's network clicks join at once."""
        return as_batch(image)

    def decode(self, features: NDArray[np.uint8], click_maps: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The logits of one run of the network."""
        with self._turn:
            (logits,) = self._session.run(["logits"], {"image": features, "click_maps": click_maps[None]})
        return finite("logits", logits[0])


ENCODER, DECODER = "encoder.onnx", "decoder.onnx"

MOST_BYTES: Final = 64 << 20
"""What is kept of the last decodings of all views at most. Those asked for longest ago are forgotten first; those of
photographs that are closed go with them."""


@dataclass(frozen=True, eq=False)
class OnnxFeatures:
    """What the decoder takes of a view.

    Attributes:
        arrays: outputs of the encoder by their names.
        number: of the view, among all that the engine encoded.
    """

    arrays: Mapping[str, Floats]
    number: int


class OnnxLiveEngine(LiveEngine):
    """Runs the two halves of a live network, of any height, width, number of clicks and labels.

    Args:
        encoder, decoder: the two files.
        threads: cores to use.
        everywhere: decode every label in the whole photograph, which costs several times as much.

    Raises:
        CheckpointError: ONNX Runtime refuses a file, or the decoder's does not say how its planes are made.
    """

    def __init__(self, encoder: Path, decoder: Path, threads: int, *, everywhere: bool = False) -> None:
        self._encoder, self._decoder = open_session(encoder, threads), open_session(decoder, 1)
        described = self._decoder.get_modelmeta().custom_metadata_map
        try:
            self._fine, self._coarse = (LabelPlanes.from_json(described[name]) for name in ("fine", "coarse"))
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(
                f"model: {decoder} does not say how the planes of its labels are made ({error}); export it again"
            ) from error
        self._everywhere = everywhere
        self._names = [output.name for output in self._encoder.get_outputs()]
        # Each core works on a label of its own; numpy's threads would only wait for them, at full load.
        self._blas = ThreadpoolController().select(user_api="blas")
        self._cores = Cores(threads, "decoder")
        # One parsing already uses every core; two at once would only evict each other's caches.
        self._turn = Turn()
        self._numbers = itertools.count()
        self._decodings: LRUCache[int, Decoding] = LRUCache(MOST_BYTES, lambda decoding: decoding.bytes)
        # Views that nobody has any more. A finaliser may run anywhere, also where the lock is held.
        self._dropped: deque[int] = deque()

    def encode(self, image: NDArray[np.uint8], place: PlaceArray = as_they_are) -> Encoded:
        """The features of one run of the encoder."""
        given = as_batch(image)
        with self._turn.later():
            found = dict(zip(self._names, self._encoder.run(None, {"image": given}), strict=True))
        for values in found.values():
            finite("features", values)
        found = {name: place(values) for name, values in found.items()}
        prior, shares = found["prior"][0], found.pop("shares")
        features = OnnxFeatures(found, next(self._numbers))
        weakref.finalize(features, self._dropped.append, features.number).atexit = False
        return Encoded(features, shares, prior.max((1, 2)), prior[0], first_best(prior))

    def looks(self, features: Any, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """Of the cells in which the places lie."""
        return look_at(features.arrays["embedding"], places, self._fine.stride)

    def decode(self, features: Any, inputs: DecoderInputs) -> NDArray[np.float32]:
        """A run of the decoder for every box of every label in which anything has changed since the last time."""
        looks = self.looks(features, inputs.places) if inputs.looks is None else inputs.looks
        with self._turn, self._blas.limit(limits=1):
            while self._dropped:
                self._decodings.pop(self._dropped.popleft(), None)
            # Taken out, so that a decoding that fails leaves nothing behind.
            decoding = self._decodings.pop(features.number, None)
            if decoding is None:
                decoding = Decoding(features.arrays, self._fine, self._coarse, everywhere=self._everywhere)
            logits = finite("logits", decoding.logits(inputs, looks, self._run, self._cores))
            if inputs.labels is not None and decoding.bytes <= MOST_BYTES:
                self._decodings[features.number] = decoding
        return logits

    def forget(self) -> None:
        """Forgets what was decoded, so that the next answers begin anew; for measurements."""
        with self._turn:
            self._decodings.clear()

    def _run(self, given: Mapping[str, Floats]) -> Floats:
        """Logits (h, w) of one label in a part of a view."""
        found: Floats = self._decoder.run(["logits"], given)[0][0, 0]
        return found
