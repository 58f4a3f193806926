"""PartNetwork: the interface of networks that find one part at a time and know no labels."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn


class PartNetwork(nn.Module, ABC):
    """A network that tells one part of a photograph, shown by an annotator's guidance, from everything else."""

    @abstractmethod
    def foreground(self, image: Tensor, guidance: Tensor) -> Tensor:
        """Logits of the part, float (N, 1, h, w) at stride 4; above 0 a pixel is more likely part than not.

        Args:
            image: uint8 or float (N, 3, H, W), RGB in 0..255.
            guidance: (N, channels, H, W), what shows the part; channels, type and range are the network's own.
        """
