"""Joint structure: where parts lie as wholes, the weight of SSL's structure-sensitive loss ("Look into Person")."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, one_hot

from ihp_backend.labels import IGNORE
from ihp_backend.losses.pixels import full_precision

DEVIATION, HEIGHT = 1.0, 4.0
"""Standard deviation of a joint's heat map in cells, and its factor (SSL's published code)."""

SCALE = 0.05
"""Factor of the heat maps' error (SSL's published code; the paper has 1 / 9)."""


class JointStructure(nn.Module):
    """A factor on the parsing loss of each photograph, the larger the farther off the joints are.

    A joint is the centre of a group of labels, such as those of the head.

    Args:
        joints: label ids by the joint's name.
        form: "literal": the error of the heat maps, as in the paper; a photograph whose joints are right teaches
            nothing. "offset": 1 + ``weight`` times that. "soft": 1 + ``weight`` times the distance of the joints'
            centres, made from probabilities, so that the weights learn to move them.
        weight: of the error in the forms "offset" and "soft".
        stride: pixels of the parsing between the cells on which joints are looked for; SSL's published code has 8.

    Raises:
        ValueError: no joint, or one without labels; a weight that is not above 0; a stride below 1.
    """

    def __init__(
        self,
        joints: Mapping[str, Sequence[int]],
        form: Literal["literal", "offset", "soft"] = "offset",
        weight: float = 1.0,
        stride: int = 8,
    ) -> None:
        super().__init__()
        if not joints:
            raise ValueError("joints: none given; name at least one with its label ids, for example {'head': [1, 2]}")
        if empty := [name for name, ids in joints.items() if not ids]:
            raise ValueError(f"joints: {empty[0]} has no labels; give their ids")
        if not weight > 0:
            raise ValueError(f"weight: {weight} given; give a number above 0")
        if stride < 1:
            raise ValueError(f"stride: {stride} given; give a whole number from 1 on")
        self.joints = {name: tuple(ids) for name, ids in joints.items()}
        self.form, self.weight, self.stride = form, weight, stride

    def forward(self, logits: Tensor, parsing: Tensor) -> Tensor:
        """Factors, float (N,); they have a gradient in the form "soft" only.

        Args:
            logits: float (N, num_labels, h, w).
            parsing: int64 (N, H, W), 255 = ignore.
        """
        size = [max(side // self.stride, 1) for side in parsing.shape[1:]]
        true = interpolate(parsing[:, None].float(), size=size, mode="nearest-exact")[:, 0].long()
        logits = interpolate(full_precision(logits), size=size, mode="bilinear", align_corners=False)
        known = (true != IGNORE)[:, None]
        counts = one_hot(true.masked_fill(true == IGNORE, 0), logits.shape[1]).permute(0, 3, 1, 2) * known
        if self.form == "soft":
            return 1 + self.weight * self._distance(logits.softmax(1) * known, counts.to(logits.dtype))
        with torch.no_grad():
            found = one_hot(logits.argmax(1), logits.shape[1]).permute(0, 3, 1, 2) * known
            difference = self._heat(found.to(logits.dtype)) - self._heat(counts.to(logits.dtype))
            error = SCALE * difference.square().sum((1, 2, 3)) / 2
        return error if self.form == "literal" else 1 + self.weight * error

    def _masses(self, maps: Tensor) -> Tensor:
        """How much of each joint is in each cell, float (N, joints, h, w)."""
        return torch.stack([maps[:, list(ids)].sum(1) for ids in self.joints.values()], 1)

    def _heat(self, maps: Tensor) -> Tensor:
        """Heat maps of the joints, float (N, joints, h, w); a joint that is not there has none."""
        masses = self._masses(maps)
        rows, columns = _centres(masses)
        there = masses.sum((2, 3)) > 0
        down, across = _places(masses)
        distance = (down - rows.floor()[..., None, None]) ** 2 + (across - columns.floor()[..., None, None]) ** 2
        peak = HEIGHT / (DEVIATION * math.sqrt(2 * math.pi))
        return peak * torch.exp(-distance / (2 * DEVIATION**2)) * there[..., None, None]

    def _distance(self, probabilities: Tensor, true: Tensor) -> Tensor:
        """Mean distance of the centres of the joints that are there, in shares of the photograph's diagonal, (N,)."""
        masses = self._masses(true)
        rows, columns = _centres(self._masses(probabilities))
        wanted_rows, wanted_columns = _centres(masses)
        diagonal = math.hypot(*masses.shape[2:])
        squared = (rows - wanted_rows) ** 2 + (columns - wanted_columns) ** 2
        distance = (squared + 1e-6).sqrt() / diagonal
        there = masses.sum((2, 3)) > 0
        return (distance * there).sum(1) / there.sum(1).clamp(min=1)


def _places(like: Tensor) -> tuple[Tensor, Tensor]:
    """The row and the column of each cell, broadcast to (h, w)."""
    height, width = like.shape[-2:]
    rows = torch.arange(height, device=like.device, dtype=like.dtype)[:, None]
    return rows, torch.arange(width, device=like.device, dtype=like.dtype)[None]


def _centres(masses: Tensor) -> tuple[Tensor, Tensor]:
    """Rows and columns of the centres, float (N, joints) each; 0 of a joint without mass."""
    total = masses.sum((2, 3)).clamp(min=1e-6)
    rows, columns = _places(masses)
    return (masses * rows).sum((2, 3)) / total, (masses * columns).sum((2, 3)) / total
