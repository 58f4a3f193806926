"""ONNX Runtime engines: they serve on a CPU, without torch.

A label's decoding fits into a core's cache and many labels' does not. So labels are decoded one at a time, and each
core takes the next one when it is done, instead of all of them in one run on all cores; each only where anything speaks
for it.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from ihp_backend.labels import ABSENT_LOGIT
from ihp_backend.parsing.answer import first_best
from ihp_backend.parsing.checkpoint import Checkpoint, CheckpointError
from ihp_backend.parsing.decode_regions import Box, boxes
from ihp_backend.parsing.engines.base import DecoderInputs, Encoded, Engine, LiveEngine, finite
from ihp_backend.parsing.geometry import as_batch
from ihp_backend.parsing.label_planes import LabelPlanes, look_at


def open_session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    """The network in a file, on the CPU.

    Raises:
        CheckpointError: ONNX Runtime refuses the file.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
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
        self._turn = threading.Lock()

    def encode(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The photograph as the network takes it, uint8 (1, 3, H, W): in the paper's network clicks join at once."""
        return as_batch(image)

    def decode(self, features: NDArray[np.uint8], click_maps: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The logits of one run of the network."""
        with self._turn:
            (logits,) = self._session.run(["logits"], {"image": features, "click_maps": click_maps[None]})
        return finite("logits", logits[0])


ENCODER, DECODER = "encoder.onnx", "decoder.onnx"
CONTEXTS = {"context_4": 4, "context_8": 8, "context_16": 16}


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
        self._cores = ThreadPoolExecutor(threads, thread_name_prefix="decoder")
        # One parsing already uses every core; two at once would only evict each other's caches.
        self._turn = threading.Lock()

    def encode(self, image: NDArray[np.uint8]) -> Encoded:
        """The features of one run of the encoder."""
        given = as_batch(image)
        with self._turn:
            found = dict(zip(self._names, self._encoder.run(None, {"image": given}), strict=True))
        for values in found.values():
            finite("features", values)
        prior = found["prior"][0]
        return Encoded(found, found.pop("shares"), prior.max((1, 2)), prior[0], first_best(prior))

    def looks(self, features: Any, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """Of the cells in which the places lie."""
        return look_at(features["embedding"], places, self._fine.stride)

    def decode(self, features: Any, inputs: DecoderInputs) -> NDArray[np.float32]:
        """A run of the decoder for every box of every label."""
        with self._turn, self._blas.limit(limits=1):
            clicked = self.looks(features, inputs.places) if inputs.looks is None else inputs.looks
            height, width = features["context_4"].shape[2:]
            logits = np.full((len(inputs.known), height, width), ABSENT_LOGIT, np.float32)

            def planes(of: LabelPlanes, look: str, prior: str) -> NDArray[np.float32]:
                return of.make(features[look], clicked, features[prior], inputs)

            making = self._cores.submit(planes, self._coarse, "embedding_8", "prior_8")
            if inputs.needed is None:
                fine, coarse = planes(self._fine, "embedding", "prior"), making.result()
                where = boxes(self._coarse, coarse, inputs)
            else:
                # Mostly nothing is left to decode, and then the finer planes are not looked at.
                coarse = making.result()
                where = boxes(self._coarse, coarse, inputs)
                if not any(where[1:]):
                    logits[0] = 0
                    return logits
                fine = planes(self._fine, "embedding", "prior")
            if self._everywhere:
                where = [[Box.whole(height * self._fine.stride, width * self._fine.stride)]] * len(logits)

            def run(label: int, box: Box) -> None:
                given = {name: box.of(features[name], stride) for name, stride in CONTEXTS.items()}
                given["fine"] = box.of(fine[label, None], self._fine.stride)
                given["coarse"] = box.of(coarse[label, None], self._coarse.stride)
                given = {name: np.ascontiguousarray(part) for name, part in given.items()}
                box.of(logits[label], self._fine.stride)[:] = self._decoder.run(["logits"], given)[0][0, 0]

            for running in [self._cores.submit(run, label, box) for label, its in enumerate(where) for box in its]:
                running.result()
            return finite("logits", logits)
