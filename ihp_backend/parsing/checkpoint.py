"""Model folders: what they hold and how they are checked before they serve.

A model folder has ``model.json`` (format, name, version, labels, network, working size, file digests),
``model.onnx`` or, of a live network, ``encoder.onnx`` and ``decoder.onnx`` (serve without torch), ``model.safetensors``
(serves on a GPU, trains on) and ``README.md``, the model card.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ihp_backend.labels import LabelSet

FORMAT = 1
PACKAGED = Path(__file__).parent.parent / "models"
DEFAULT_MODEL = "ccp-live"

_Number = TypeVar("_Number", int, float)


class CheckpointError(ValueError):
    """A model folder that cannot be used; the text names the file or field and what to do."""


class AnswerError(CheckpointError):
    """A network whose answer holds no numbers, of which no parsing can be made."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"model: its {what} are NaN or infinite, as after a training that failed; serve another model, or train "
            "and export it anew"
        )


@dataclass(frozen=True)
class Checkpoint:
    """A model folder whose description has been read.

    Attributes:
        folder: where it lies.
        name, version: ``version`` goes out with every prediction.
        labels: what the network's outputs mean.
        network: {"class": name, "arguments": {...}}, for building the network in torch.
        working_size: pixels of the longer side at which the network works.
        multiple_of: working height and width are padded to multiples of this.
        digests: sha256 by file name.
        temperature: logits are divided by it before they become probabilities; fitted so that those come true.
            None: it was not, and they say little.
        recipe: how a live network was trained, for its fine-tuning, see ``learning.live_recipe``. None: not said.
    """

    folder: Path
    name: str
    version: str
    labels: LabelSet
    network: Mapping[str, Any]
    working_size: int
    multiple_of: int
    digests: Mapping[str, str]
    temperature: float | None = None
    recipe: Mapping[str, Any] | None = None

    @property
    def live(self) -> bool:
        """Whether the network is a live one: encodes a photograph once and takes any labels."""
        return bool(self.network.get("class") == "LiveNetwork")

    def file(self, name: str) -> Path:
        """The path of one of the folder's files, after its digest was checked.

        Raises:
            CheckpointError: the file is missing, or not the one the description speaks of (truncated, replaced).
        """
        path = self.folder / name
        if not path.is_file():
            raise CheckpointError(f"model: {path} is missing; copy the whole model folder again")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != self.digests.get(name):
            raise CheckpointError(
                f"model: {path} ({path.stat().st_size} bytes) does not have the sha256 that model.json states; "
                "it is truncated or was replaced, copy the whole model folder again"
            )
        return path


def model_folder(name_or_folder: str | Path | None = None) -> Path:
    """The folder of a packaged model by name, of a model anywhere by path, or of the default model (None).

    Raises:
        CheckpointError: there is neither such a packaged model nor such a folder.
    """
    wanted = DEFAULT_MODEL if name_or_folder is None else name_or_folder
    for folder in (PACKAGED / str(wanted), Path(wanted)):
        if (folder / "model.json").is_file():
            return folder
    packaged = ", ".join(sorted(path.parent.name for path in PACKAGED.glob("*/model.json"))) or "none"
    raise CheckpointError(
        f"model: {str(wanted)!r} is neither a packaged model ({packaged}) nor a folder with a model.json; "
        "give a name, or the folder written by training/export.py"
    )


def read_checkpoint(name_or_folder: str | Path | None = None) -> Checkpoint:
    """Reads and checks a model's description; its files are checked when they are asked for.

    Raises:
        CheckpointError: see ``model_folder``; or the description is unreadable, of another format or incomplete.
    """
    folder = model_folder(name_or_folder)
    path = folder / "model.json"
    try:
        described = json.loads(path.read_text())
        if described["format"] != FORMAT:
            raise CheckpointError(
                f"model: {path} has format {described['format']}, this version reads {FORMAT}; export the model again"
            )
        return Checkpoint(
            folder=folder,
            name=str(described["name"]),
            version=str(described["version"]),
            labels=LabelSet.from_dict(described["labels"]),
            network=dict(described["network"]),
            working_size=_positive(described, "working_size", int),
            multiple_of=_positive(described, "multiple_of", int),
            digests=dict(described["sha256"]),
            temperature=_positive(described, "temperature", float) if "temperature" in described else None,
            recipe=described.get("recipe"),
        )
    except KeyError as error:
        raise CheckpointError(f"model: field {error} is missing in {path}; export the model again") from error
    except CheckpointError:
        raise
    except (OSError, OverflowError, RecursionError, TypeError, ValueError) as error:
        raise CheckpointError(f"model: {path} cannot be read ({error}); copy the whole model folder again") from error


def _positive(described: Mapping[str, Any], field: str, kind: Callable[[Any], _Number]) -> _Number:
    value = kind(described[field])
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{field} is {value}, and must be above 0")
    return value
