"""CCP person crops: photographs of Clothing Co-Parsing (Yang, Luo, Lin 2014), one full-body person each.

Layout: ``images/ID.jpg``, ``masks24/ID.png`` (palette, ids of ``labels.CCP``) and ``split.json``, which maps "train"
and "val" to lists of ids.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ihp_backend.datasets.sample import Sample
from ihp_backend.labels import CCP


class CcpDataset:
    """One split of the CCP person crops.

    Args:
        root: folder with images, masks24 and split.json.
        split: "train" or "val".

    Raises:
        FileNotFoundError: the folder is not laid out as described.
        ValueError: the split does not exist.
    """

    labels = CCP

    def __init__(self, root: Path | str, split: str) -> None:
        self.root = Path(root)
        index = self.root / "split.json"
        if not index.is_file():
            raise FileNotFoundError(f"data: {index} is missing; give the folder that holds images, masks24, split.json")
        splits: dict[str, list[str]] = json.loads(index.read_text())
        if split not in splits:
            raise ValueError(f"split: {split!r} does not exist; {index} has {', '.join(splits)}")
        self.ids: Sequence[str] = splits[split]

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Sample:
        """The sample at ``index``; raises ``ValueError`` when photograph and mask differ in size."""
        name = self.ids[index]
        image = np.array(Image.open(self.root / "images" / f"{name}.jpg").convert("RGB"))
        parsing = self.parsing(index)
        if image.shape[:2] != parsing.shape:
            raise ValueError(f"sample {name}: photograph {image.shape[:2]} and mask {parsing.shape} differ in size")
        return Sample(image, parsing, name)

    def parsing(self, index: int) -> np.ndarray:
        """Only the mask, uint8 (height, width)."""
        # PIL and not OpenCV: the masks are palette images, which OpenCV would turn into luminance.
        return np.array(Image.open(self.root / "masks24" / f"{self.ids[index]}.png"))
