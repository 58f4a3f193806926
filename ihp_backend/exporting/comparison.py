"""Whether ONNX Runtime answers as torch does; what is no number proves nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class ExportError(RuntimeError):
    """A network that is not exported; the text says why."""


def difference(found: NDArray[np.float32], wanted: NDArray[np.float32], *, relative: bool = True) -> float:
    """The largest difference of a value.

    Args:
        found, wanted: what ONNX Runtime and torch answer to the same, of any one shape.
        relative: in standard deviations of what torch answers.

    Raises:
        ExportError: a value is NaN or infinite, or all are the same, so that no deviation is to be compared with.
    """
    for runtime, values in (("torch", wanted), ("ONNX Runtime", found)):
        if not np.isfinite(values).all():
            raise ExportError(
                f"the network's answers in {runtime} are not finite; not exported: take an earlier checkpoint, or "
                "train anew with a smaller learning rate"
            )
    deviation = float(wanted.std()) if relative else 1.0
    if deviation == 0:
        raise ExportError("the network answers the same everywhere, so it has learned nothing; not exported")
    return float(np.abs(found - wanted).max()) / deviation
