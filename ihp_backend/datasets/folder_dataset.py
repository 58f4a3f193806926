"""A folder of photographs and masks with a list of classes: anybody's own data set.

Layout: ``images/ID.jpg``, ``masks/ID.png``, ``classes.txt`` with a name per line, background first, ``train.txt``
and ``val.txt`` with an id per line; or a folder per split (``images/train``, ``masks/train``), also under the names of
MMSegmentation (``img_dir/train``, ``ann_dir/train``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ihp_backend.datasets.layouts import Layout, Source, check_root
from ihp_backend.datasets.sourced_pairs import SourcedPairs
from ihp_backend.datasets.text_files import read_text
from ihp_backend.labels import LabelSet, mirror_pairs

CLASSES = "classes.txt"


def _layouts(split: str) -> tuple[Layout, ...]:
    return (
        Layout("images/{id}.jpg", "masks/{id}.png", (f"{split}.txt",), shared=True),
        Layout(f"images/{split}/{{id}}.jpg", f"masks/{split}/{{id}}.png"),
        Layout(f"img_dir/{split}/{{id}}.jpg", f"ann_dir/{split}/{{id}}.png"),
    )


SOURCE = Source(
    title="a folder of your own",
    layouts={split: _layouts(split) for split in ("train", "val", "test")},
    remedy="give a folder with images, masks, lists of ids and classes.txt (docs/datasets.md)",
)


class FolderDataset(SourcedPairs):
    """One split of a folder.

    Args:
        root: the folder.
        split: "train", "val" or "test".
        classes: list of the classes below the root, one per line, the background first.
        options: of ``SourcedPairs``.

    Raises:
        FileNotFoundError: the folder has none of the layouts, or no list of classes.
        ValueError: the split or a value does not exist, or a list cannot be read.
    """

    source = SOURCE

    def __init__(self, root: Path | str, split: str, *, classes: str = CLASSES, **options: Any) -> None:
        check_root(Path(root), SOURCE.remedy)
        self.named = _labels(Path(root) / classes)
        super().__init__(root, split, **options)


def _labels(file: Path) -> LabelSet:
    if not file.is_file():
        raise FileNotFoundError(
            f"classes: {file} is missing; write the name of each class into it, one per line and the background first, "
            "or say classes=FILE"
        )
    names = tuple(name for line in read_text(file)[0].splitlines() if (name := line.strip()))
    try:
        return LabelSet(names, flip_pairs=mirror_pairs(names))
    except ValueError as error:
        raise ValueError(f"classes: {file}: {error}") from None
