"""DEXTR on a parsing: four extreme points for every part, then the parts are merged (IHP, Table IV to VI).

Needs torch: the network takes crops of a fixed side and is not exported.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from ihp_backend.datasets import ParsingDataset
from ihp_backend.evaluation.part_curve import PartCurve, merge_parts, parts_of
from ihp_backend.networks import ExtremePointDeepLab
from ihp_backend.networks.extreme_points import ExtremePointView, extreme_points


class ExtremePointParser:
    """Finds parts through their extreme points.

    Args:
        network: trained.
        view: how it was trained to look at a part.
        device: where it runs; None: CUDA where there is one, else the CPU.
    """

    def __init__(self, network: ExtremePointDeepLab, view: ExtremePointView, device: str | None = None) -> None:
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.network = network.eval().to(self.device)
        self.view = view

    @torch.inference_mode()
    def logits(self, image: NDArray[np.uint8], parts: Sequence[NDArray[np.intp]]) -> list[NDArray[np.float32]]:
        """Per part how sure the network is that a pixel belongs to it; above 0 more than not, -inf outside the crop.

        Args:
            image: uint8 (height, width, 3), RGB.
            parts: per part the extreme points, int (4, 2), x and y in image pixels.

        Returns:
            per part float32 (height, width).
        """
        if not parts:
            return []
        crops, views, gaussians = zip(*(self.view.look(image, points) for points in parts), strict=True)
        pixels = torch.from_numpy(np.stack(views).transpose(0, 3, 1, 2))
        guidance = torch.from_numpy(np.stack(gaussians)[:, None])
        coarse = self.network.foreground(pixels.to(self.device), guidance.to(self.device))[:, 0].float().cpu().numpy()
        size = (self.view.side, self.view.side)
        found = []
        for crop, one in zip(crops, coarse, strict=True):
            fine = cv2.resize(one, size, interpolation=cv2.INTER_LINEAR).astype(np.float32, copy=False)
            found.append(crop.put_back(fine, *image.shape[:2], outside=-np.inf))
        return found


def extreme_point_curve(
    parser: ExtremePointParser, samples: ParsingDataset, indices: Sequence[int], seed: int, *, jitter: int = 0
) -> Iterator[PartCurve]:
    """Measures it; yields the growing result, a curve of a single round, after every photograph.

    Args:
        parser: what is measured.
        samples: photographs with their true parsings.
        indices: which of them.
        seed: decides among equally extreme pixels.
        jitter: by how many pixels an annotator misses an extreme point at most.
    """
    curve = PartCurve.empty(1, len(samples.labels))
    for index in indices:
        sample = samples[index]
        rng = np.random.default_rng([seed, index])
        labels = parts_of(sample.parsing)
        points = [extreme_points(sample.parsing == label, rng, jitter) for label in labels]
        found = zip(labels, parser.logits(sample.image, points), strict=True)
        curve.add(sample.id, sample.parsing, [(merge_parts(found, *sample.parsing.shape), 4 * len(labels))])
        yield curve
