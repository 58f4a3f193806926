"""The steps of a fine-tuning job: train, make a candidate, compare it with the model in service."""

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
from ihp_backend.finetuning.base_data import Base
from ihp_backend.finetuning.feature_cache import FeatureCache
from ihp_backend.finetuning.gate import Verdict, judge
from ihp_backend.finetuning.model_comparison import NOBODY, both, click_times, draw_change, most_changed
from ihp_backend.finetuning.progress import Running
from ihp_backend.finetuning.recipes import JobRecipe
from ihp_backend.finetuning.schedule import TrainedState
from ihp_backend.finetuning.training import FineTuning
from ihp_backend.finetuning.training_set import TrainingSet
from ihp_backend.finetuning.weight_interpolation import Interpolation, choose_interpolation
from ihp_backend.labels import LabelSet
from ihp_backend.learning.live_recipe import LiveRecipe
from ihp_backend.learning.not_finite import NotFiniteError
from ihp_backend.model_registry.versions import CHECKPOINTS, LOSSES
from ihp_backend.networks.live import LiveNetwork
from ihp_backend.parsing import Parser
from ihp_backend.parsing.checkpoint import Checkpoint

PICTURES = 4


class JobError(RuntimeError):
    """A fine-tuning job that cannot be run; the text says why and what helps."""


@dataclass(frozen=True)
class JobContext:
    """Context that the steps of a job share.

    Attributes:
        folder: where the job keeps what it needs.
        checkpoint, network: of the model in service, from which it starts.
        training_set: what is learned from and judged on.
        cache: what the network's backbone makes of the photographs.
        running: is told how far the job is, and says whether to go on.
        recipe: how.
    """

    folder: Path
    checkpoint: Checkpoint
    network: LiveNetwork
    training_set: TrainingSet
    cache: FeatureCache
    running: Running
    recipe: JobRecipe


@dataclass(frozen=True)
class Candidate:
    """Candidate: the model folder that a training gave.

    Attributes:
        folder: the model folder.
        choice: how far it went from the old weights to the new ones, on photographs that helped to choose.
    """

    folder: Path
    choice: Interpolation


def train(job: JobContext, learned: TrainedState) -> LiveNetwork | None:
    """The network as it has learned; None if it was stopped. What was begun with other photographs is begun anew.

    Args:
        job: what is trained.
        learned: the photographs that are learned from.

    Raises:
        JobError: the device is not there, the model's recipe is unknown, or the loss or a weight is not finite.
    """
    recipe, folder, training_set, running = job.recipe, job.folder, job.training_set, job.running
    checkpoint = job.checkpoint
    try:
        live_recipe = LiveRecipe.from_dict(checkpoint.recipe)
    except ValueError as error:
        raise JobError(f"model: {checkpoint.folder / 'model.json'}: {error}") from None
    if recipe.device == "cuda" and not torch.cuda.is_available():
        raise JobError(
            "device: torch finds no cuda here; give --device cpu or IHP_FINE_TUNING_DEVICE=cpu, or mend CUDA"
        )
    began_with = json.dumps(
        [checkpoint.version, sorted(learned.stamps.items()), asdict(recipe.fine_tuning), checkpoint.recipe]
    )
    kept = folder / f"training-{hashlib.sha256(began_with.encode()).hexdigest()[:16]}.pt"
    for other in folder.glob(CHECKPOINTS):
        if other != kept:
            other.unlink()
    torch.set_num_threads(recipe.threads)
    tuning = FineTuning(
        job.network,
        training_set.labels,
        training_set.learned,
        job.cache,
        recipe.fine_tuning,
        training_set.replay,
        training_set.own,
        training_set.asked,
        recipe.device,
        live_recipe,
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
        raise JobError(f"{error}; {checkpoint.version} goes on serving") from error


def make_candidate(job: JobContext, tuned: LiveNetwork, name: str) -> Candidate:
    """Goes as far as pays on photographs that were not learned from, and exports what is there.

    Args:
        job: that trained it.
        tuned: the network as it has learned.
        name: of the model.

    Raises:
        JobError: ONNX Runtime answers otherwise than torch.
    """
    training_set, checkpoint = job.training_set, job.checkpoint
    job.running.tell(stage="choosing")
    choice = choose_interpolation(
        job.network,
        tuned,
        training_set.choosing,
        job.cache,
        training_set.asked,
        least=job.recipe.least_choosing,
        set_apart=training_set.set_apart,
        anew=training_set.own,
    )
    arguments = {**checkpoint.network["arguments"], "num_labels": len(training_set.labels)}
    description = {**checkpoint.network, "arguments": arguments}
    candidate = job.folder / "candidate"
    shutil.rmtree(candidate, ignore_errors=True)
    job.running.tell(stage="exporting")
    try:
        write_model_folder(
            candidate,
            name,
            description,
            choice.weights,
            training_set.labels,
            checkpoint.working_size,
            checkpoint.temperature,
            checkpoint.recipe,
        )
    except ExportError as error:
        raise JobError(f"candidate: {error}") from None
    return Candidate(candidate, choice)


def compare(job: JobContext, before: Parser, after: Parser, base: Base | None, pictures: Path) -> Verdict:
    """Both models on what is held out and on the base validation, and what the gate says.

    Args:
        job: that made the second model.
        before, after: both models.
        base: data of the base model, if they are at hand.
        pictures: the folder that gets those photographs that changed most.

    Raises:
        Stopped: somebody asked for it.
    """

    running, held_out_set = job.running, job.training_set.held_out

    def going_on(done: int) -> bool:
        running.tell(step=done)
        return not running.stop_wanted

    running.tell(stage="judging", step=0, steps=len(held_out_set))
    held_out = both(before, after, held_out_set, going_on)
    unclicked = both(before, after, held_out_set, going_on, NOBODY)
    for number, index in enumerate(most_changed(*held_out, PICTURES)):
        # With the task's number: its picture goes when the task is deleted.
        draw_change(before, after, held_out_set[index], pictures / f"{number}-{held_out_set.ids[index]}.jpg")
    of_base: tuple[Sequence[Record], Sequence[Record]] = ([], [])
    if base is not None:
        judged = base.judged
        running.tell(stage="judging on the base validation", step=0, steps=len(judged))
        # Labels are asked as unknown ones: names are the project's to change, and a new one replaces others.
        by_clicks = before.with_labels(judged.labels, {}), after.with_labels(judged.labels, {})
        of_base = both(*by_clicks, judged, going_on)
    times = (1.0, 1.0)
    if len(held_out_set):
        times = click_times(before, after, held_out_set[0], job.recipe.gate.slower)
    return judge(held_out, of_base, times, job.recipe.gate, unclicked)


def parser_of(folder: Path, labels: LabelSet, recipe: JobRecipe) -> Parser:
    """A model folder ready to parse in a project's labels."""
    return Parser.from_pretrained(folder, labels, threads=recipe.threads)
