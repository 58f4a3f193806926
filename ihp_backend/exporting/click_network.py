"""A click network becomes one file: photograph and localization maps in, logits out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ihp_backend.clicks import Click, localization_maps
from ihp_backend.exporting.comparison import difference
from ihp_backend.exporting.onnx_file import write_onnx
from ihp_backend.networks import ClickNetwork
from ihp_backend.parsing.cores import available_cores
from ihp_backend.parsing.onnx_session import open_session


def export_onnx(network: ClickNetwork, path: Path) -> None:
    """Writes the network with inputs image and click_maps of any height and width."""
    side = 8 * network.multiple_of
    image = torch.zeros(1, 3, side, side + network.multiple_of, dtype=torch.uint8)
    maps = torch.zeros(1, network.num_labels, *image.shape[-2:], dtype=torch.uint8)
    height = network.multiple_of * torch.export.Dim("rows", min=2, max=512)
    width = network.multiple_of * torch.export.Dim("columns", min=2, max=512)
    sizes = {2: height, 3: width}
    write_onnx(network, {"image": image, "click_maps": maps}, ["logits"], {"image": sizes, "click_maps": sizes}, path)


def largest_difference(network: ClickNetwork, path: Path, seed: int = 0) -> float:
    """The largest difference of a logit between torch and ONNX Runtime over a few sizes, in standard deviations.

    Raises:
        ExportError: an answer is not finite.
    """
    session = open_session(path, threads=available_cores())
    rng = np.random.default_rng(seed)
    worst = 0.0
    for rows, columns in ((2, 2), (32, 12), (17, 30)):
        height, width = rows * network.multiple_of, columns * network.multiple_of
        image = rng.integers(0, 256, (1, 3, height, width), dtype=np.uint8)
        clicks = [
            Click(int(rng.integers(width)), int(rng.integers(height)), label) for label in range(network.num_labels)
        ]
        maps = localization_maps(clicks, height, width, network.num_labels)[None]
        (found,) = session.run(["logits"], {"image": image, "click_maps": maps})
        with torch.inference_mode():
            wanted = network(torch.from_numpy(image), torch.from_numpy(maps)).numpy()
        worst = max(worst, difference(found, wanted))
    return worst
