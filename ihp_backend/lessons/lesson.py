"""A lesson: from the version in service and what was accepted to a candidate, and through the gate or not."""

from __future__ import annotations

import shutil
import time
from dataclasses import asdict
from pathlib import Path

from ihp_backend.learning.trunk_cache import TrunkCache
from ihp_backend.lessons.accepted_index import Index
from ihp_backend.lessons.base import Base
from ihp_backend.lessons.lesson_recipe import LessonRecipe
from ihp_backend.lessons.material import Material, gather
from ihp_backend.lessons.plan import Learned
from ihp_backend.lessons.progress import Running
from ihp_backend.lessons.school import School
from ihp_backend.lessons.stages import (
    Candidate,
    LessonError,
    make_candidate,
    parser_of,
    train,
    try_out,
)
from ihp_backend.lessons.trial import Stopped
from ihp_backend.lessons.version_files import GATE, LOSSES, MANIFEST, PICTURES
from ihp_backend.networks.live import LiveNetwork
from ihp_backend.parsing.checkpoint import Checkpoint, read_checkpoint
from ihp_backend.parsing.torch_network import load_network
from ihp_backend.retraining.durable import write_json
from ihp_backend.retraining.gate import Verdict

__all__ = ["LessonError", "LessonRecipe", "hold_lesson"]


def hold_lesson(
    school: School,
    project: str,
    index: Index,
    running: Running,
    recipe: LessonRecipe,
    base: Base | None = None,
) -> None:
    """Holds one; how it ended is in ``running.report``.

    Args:
        school: everything there is.
        project: whose.
        index: its accepted set, up to date.
        running: is told how far it is, and says whether to go on.
        recipe: how.
        base: what the base model was trained on, to learn from again and to be judged on.

    Raises:
        LessonError, StorageError, CheckpointError, ValueError, OSError: it cannot be held.
    """
    learned = Learned.of(index, school.ledger.training_wanted(project))
    checkpoint = _serving(school, project, recipe.base_model)
    network = load_network(checkpoint)
    if not isinstance(network, LiveNetwork):
        raise LessonError(f"model: {checkpoint.name} cannot be fine-tuned; serve a live network with --model")
    school.versions.tidy(project)
    running.tell(stage="reading photographs")
    before = parser_of(checkpoint.folder, index.labels, recipe)
    base_labels, replayed = read_checkpoint(recipe.base_model).labels, base.replayed if base else None
    material = gather(school.accepted(project), index, before, checkpoint, base_labels, replayed)
    if not material.learned:
        raise LessonError(f"project {project}: nothing to learn from; annotate more photographs")
    folder = school.lesson_folder(project)
    cache = TrunkCache(folder / "trunks", network)
    tuned = train(network, material, cache, folder, checkpoint, learned, running, recipe)
    if tuned is None:
        running.end("stopped", message="asked to; it goes on from here when it is begun again")
        return
    name = f"project-{project}"
    candidate = make_candidate(network, tuned, material, cache, folder, checkpoint, name, running, recipe)
    after = parser_of(candidate.folder, index.labels, recipe)
    try:
        pictures = candidate.folder / PICTURES
        verdict = try_out(before, after, material, base, recipe, running, pictures)
    except Stopped:
        running.end("stopped", message="asked to, while it was judged")
        return
    version = _version(school, project, after.version)
    _publish(school, project, version, candidate, verdict, checkpoint, index, material, recipe)
    promoted = (verdict.passed and candidate.choice.changed) or recipe.force
    if promoted:
        school.versions.promote(project, version, "gate" if verdict.passed else "forced")
    learned.write(school.learned_file(project))
    _clear(folder)
    reason = verdict.reason if candidate.choice.changed else f"{verdict.reason}; nothing was gained by learning"
    running.end("promoted" if promoted else "rejected", version=version, message=reason)


def _serving(school: School, project: str, base_model: str | None) -> Checkpoint:
    """The version in service, found whole."""
    version = school.versions.current(project)
    return read_checkpoint(base_model if version is None else school.versions.check(project, version))


def _publish(
    school: School,
    project: str,
    version: str,
    candidate: Candidate,
    verdict: Verdict,
    checkpoint: Checkpoint,
    index: Index,
    material: Material,
    recipe: LessonRecipe,
) -> None:
    """Keeps the candidate, with what it was made of and what the gate says, whether it may serve or not."""
    manifest = {
        "version": version,
        "from": checkpoint.version,
        "made": time.time(),
        "labels": list(material.labels.names),
        "share": candidate.choice.share,
        "mean_iou_before": candidate.choice.before,
        "mean_iou_by_share": {str(share): mean_iou for share, mean_iou in candidate.choice.reached.items()},
        "recipe": asdict(recipe),
        "photographs": [asdict(item) for item in index.items],
    }
    write_json(candidate.folder / GATE, verdict.to_json())
    write_json(candidate.folder / MANIFEST, manifest)
    shutil.copy2(school.lesson_folder(project) / LOSSES, candidate.folder / LOSSES)
    with school.versions.making(project, version) as made:
        shutil.copytree(candidate.folder, made, dirs_exist_ok=True)


def _version(school: School, project: str, candidate: str) -> str:
    """A name that counts the versions of a project and ends with the sum of the weights."""
    number = len(school.versions.versions(project)) + len(school.versions.promotions(project)) + 1
    while any(name.startswith(f"{number:04}-") for name in school.versions.versions(project)):
        number += 1
    return f"{number:04}-{candidate.rpartition('-')[2]}"


def _clear(folder: Path) -> None:
    for left in (*folder.glob("training-*.pt"), folder / LOSSES):
        left.unlink(missing_ok=True)
    for name in ("candidate", "trunks"):
        shutil.rmtree(folder / name, ignore_errors=True)
