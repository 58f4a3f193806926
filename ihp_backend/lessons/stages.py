"""The stages of a lesson: training, a candidate, its trial."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from ihp_backend.evaluation import Record
from ihp_backend.exporting import ExportError, write_model_folder
from ihp_backend.labels import LabelSet
from ihp_backend.learning.choosing import Choice, choose_share
from ihp_backend.learning.fine_tuning import FineTuning
from ihp_backend.learning.not_finite import NotFiniteError
from ihp_backend.learning.trunk_cache import TrunkCache
from ihp_backend.lessons.base import Base
from ihp_backend.lessons.lesson_recipe import LessonRecipe
from ihp_backend.lessons.material import Material
from ihp_backend.lessons.pictures import draw_change
from ihp_backend.lessons.plan import Learned
from ihp_backend.lessons.progress import Running
from ihp_backend.lessons.trial import NOBODY, both, click_times, most_changed
from ihp_backend.lessons.version_files import LOSSES
from ihp_backend.networks.live import LiveNetwork
from ihp_backend.parsing import Parser
from ihp_backend.parsing.checkpoint import Checkpoint
from ihp_backend.retraining.gate import Verdict, judge

PICTURES = 4


class LessonError(RuntimeError):
    """A lesson that cannot be held; the text says why and what helps."""


@dataclass(frozen=True)
class Candidate:
    """What came of a training.

    Attributes:
        folder: the model folder.
        choice: how far it went from the old weights to the new ones, on photographs that helped to choose.
    """

    folder: Path
    choice: Choice


def train(
    network: LiveNetwork,
    material: Material,
    cache: TrunkCache,
    folder: Path,
    checkpoint: Checkpoint,
    learned: Learned,
    running: Running,
    recipe: LessonRecipe,
) -> LiveNetwork | None:
    """The network as it has learned; None if it was stopped. What was begun with other photographs is begun anew.

    Raises:
        LessonError: the device is not there, or the loss or a weight is not finite.
    """
    if recipe.device == "cuda" and not torch.cuda.is_available():
        raise LessonError("device: torch finds no cuda here; give --device cpu or IHP_LESSON_DEVICE=cpu, or mend CUDA")
    began_with = json.dumps([checkpoint.version, sorted(learned.stamps.items()), asdict(recipe.fine_tuning)])
    kept = folder / f"training-{hashlib.sha256(began_with.encode()).hexdigest()[:16]}.pt"
    for other in folder.glob("training-*.pt"):
        if other != kept:
            other.unlink()
    tuning = FineTuning(
        network,
        material.labels,
        material.learned,
        cache,
        recipe.fine_tuning,
        material.replay,
        material.own,
        material.asked,
        recipe.device,
    )
    running.tell(stage="training", steps=tuning.steps)
    losses = folder / LOSSES
    if not kept.exists():
        losses.write_text("step,loss\n")

    def tell(step: int, loss: float) -> bool:
        running.tell(step=step, loss=round(loss, 4))
        with losses.open("a") as file:
            file.write(f"{step},{loss:.4f}\n")
        return not running.stop_wanted

    try:
        return tuning.network if tuning.run(kept, tell) else None
    except NotFiniteError as error:
        raise LessonError(f"{error}; {checkpoint.version} goes on serving") from error


def make_candidate(
    network: LiveNetwork,
    tuned: LiveNetwork,
    material: Material,
    cache: TrunkCache,
    folder: Path,
    checkpoint: Checkpoint,
    name: str,
    running: Running,
    recipe: LessonRecipe,
) -> Candidate:
    """Goes as far as pays on photographs that were not learned from, and exports what is there.

    Raises:
        LessonError: ONNX Runtime answers otherwise than torch.
    """
    running.tell(stage="choosing")
    choice = choose_share(
        network,
        tuned,
        material.choosing,
        cache,
        material.asked,
        least=recipe.least_choosing,
        set_apart=material.set_apart,
        anew=material.own,
    )
    arguments = {**checkpoint.network["arguments"], "num_labels": len(material.labels)}
    description = {**checkpoint.network, "arguments": arguments}
    candidate = folder / "candidate"
    shutil.rmtree(candidate, ignore_errors=True)
    running.tell(stage="exporting")
    try:
        write_model_folder(
            candidate,
            name,
            description,
            choice.weights,
            material.labels,
            checkpoint.working_size,
            checkpoint.temperature,
        )
    except ExportError as error:
        raise LessonError(f"candidate: {error}") from None
    return Candidate(candidate, choice)


def try_out(
    before: Parser,
    after: Parser,
    material: Material,
    base: Base | None,
    recipe: LessonRecipe,
    running: Running,
    pictures: Path,
) -> Verdict:
    """Both models on what is held out and on the base validation, and what the gate says.

    The folder ``pictures`` gets those photographs that changed most.

    Raises:
        Stopped: somebody asked for it.
    """

    def going_on(done: int) -> bool:
        running.tell(step=done)
        return not running.stop_wanted

    running.tell(stage="judging", step=0, steps=len(material.held_out))
    held_out = both(before, after, material.held_out, going_on)
    unclicked = both(before, after, material.held_out, going_on, NOBODY)
    for number, index in enumerate(most_changed(*held_out, PICTURES)):
        draw_change(before, after, material.held_out[index], pictures / f"{number}.jpg")
    of_base: tuple[Sequence[Record], Sequence[Record]] = ([], [])
    if base is not None:
        judged = base.judged
        running.tell(stage="judging on the base validation", step=0, steps=len(judged))
        # As labels that it does not know: names are the project's to change, and a new one takes the place of others.
        strangers = before.speaking(judged.labels, {}), after.speaking(judged.labels, {})
        of_base = both(*strangers, judged, going_on)
    times = (1.0, 1.0)
    if len(material.held_out):
        times = click_times(before, after, material.held_out[0], recipe.gate.slower)
    return judge(held_out, of_base, times, recipe.gate, unclicked)


def parser_of(folder: Path, labels: LabelSet, recipe: LessonRecipe) -> Parser:
    """A model folder ready to parse in a project's labels."""
    return Parser.from_pretrained(folder, labels, threads=recipe.threads)
