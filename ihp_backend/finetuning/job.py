"""A fine-tuning job: from the version in service and what was accepted to a candidate, and through the gate or not."""

from __future__ import annotations

import shutil
import time
from dataclasses import asdict
from typing import Any

from ihp_backend.finetuning.accepted_index import Index
from ihp_backend.finetuning.base_data import Base
from ihp_backend.finetuning.feature_cache import FeatureCache
from ihp_backend.finetuning.job_steps import (
    Candidate,
    JobContext,
    JobError,
    compare,
    make_candidate,
    parser_of,
    train,
)
from ihp_backend.finetuning.model_comparison import Stopped
from ihp_backend.finetuning.progress import Running
from ihp_backend.finetuning.recipes import JobRecipe
from ihp_backend.finetuning.schedule import TrainedState
from ihp_backend.finetuning.training_set import make_training_set
from ihp_backend.finetuning.workspace import Workspace
from ihp_backend.model_registry.versions import GATE, LOSSES, MANIFEST, PICTURES
from ihp_backend.networks.live import LiveNetwork
from ihp_backend.parsing.checkpoint import Checkpoint, read_checkpoint
from ihp_backend.parsing.engines.torch_engines import load_network
from ihp_backend.storage.atomic_files import write_json

__all__ = ["JobError", "JobRecipe", "run_steps"]


def run_steps(
    workspace: Workspace,
    project: str,
    index: Index,
    running: Running,
    recipe: JobRecipe,
    base: Base | None = None,
) -> None:
    """Runs one; how it ended is in ``running.report``.

    Args:
        workspace: everything there is.
        project: whose.
        index: its accepted set, up to date.
        running: is told how far it is, and says whether to go on.
        recipe: how.
        base: what the base model was trained on, to learn from again and to be judged on.

    Raises:
        JobError, StorageError, CheckpointError, ValueError, OSError: it cannot be run.
    """
    learned = TrainedState.of(index, workspace.annotation_store.training_wanted(project))
    checkpoint = _serving(workspace, project, recipe.base_model)
    network = load_network(checkpoint)
    if not isinstance(network, LiveNetwork):
        raise JobError(f"model: {checkpoint.name} cannot be fine-tuned; serve a live network with --model")
    workspace.versions.tidy(project)
    running.tell(stage="reading photographs")
    before = parser_of(checkpoint.folder, index.labels, recipe)
    base_labels, replayed = read_checkpoint(recipe.base_model).labels, base.replayed if base else None
    training_set = make_training_set(workspace.accepted(project), index, before, checkpoint, base_labels, replayed)
    if not training_set.learned:
        raise JobError(f"project {project}: nothing to learn from; annotate more photographs")
    folder = workspace.job_folder(project)
    cache = FeatureCache(folder / "trunks", network)
    job = JobContext(folder, checkpoint, network, training_set, cache, running, recipe)
    tuned = train(job, learned)
    if tuned is None:
        running.end("stopped", message="asked to; it goes on from here when it is begun again")
        return
    candidate = make_candidate(job, tuned, f"project-{project}")
    after = parser_of(candidate.folder, index.labels, recipe)
    try:
        verdict = compare(job, before, after, base, candidate.folder / PICTURES)
    except Stopped:
        running.end("stopped", message="asked to, while it was judged")
        return
    version = _version(workspace, project, after.version)
    write_json(candidate.folder / GATE, verdict.to_json())
    write_json(candidate.folder / MANIFEST, _manifest(job, version, candidate, index))
    shutil.copy2(folder / LOSSES, candidate.folder / LOSSES)
    running.confirm()
    # Kept whether it may serve or not.
    with workspace.versions.making(project, version) as made:
        shutil.copytree(candidate.folder, made, dirs_exist_ok=True)
    promoted = (verdict.passed and candidate.choice.changed) or recipe.force
    if promoted:
        workspace.versions.promote(project, version, "gate" if verdict.passed else "forced")
    learned.write(workspace.job_documents(project))
    workspace.progress(project).clear()
    reason = verdict.reason if candidate.choice.changed else f"{verdict.reason}; nothing was gained by learning"
    running.end("promoted" if promoted else "rejected", version=version, message=reason)


def _serving(workspace: Workspace, project: str, base_model: str | None) -> Checkpoint:
    """The version in service, after its files were checked."""
    version = workspace.versions.current(project)
    return read_checkpoint(base_model if version is None else workspace.versions.check(project, version))


def _manifest(job: JobContext, version: str, candidate: Candidate, index: Index) -> dict[str, Any]:
    """Manifest of a version: what it was made of."""
    return {
        "version": version,
        "from": job.checkpoint.version,
        "made": time.time(),
        "labels": list(job.training_set.labels.names),
        "share": candidate.choice.share,
        "mean_iou_before": candidate.choice.before,
        "mean_iou_by_share": {str(share): mean_iou for share, mean_iou in candidate.choice.reached.items()},
        "recipe": asdict(job.recipe),
        "photographs": [asdict(item) for item in index.items],
    }


def _version(workspace: Workspace, project: str, candidate: str) -> str:
    """A name that counts the versions of a project and ends with the sum of the weights."""
    number = len(workspace.versions.versions(project)) + len(workspace.versions.promotions(project)) + 1
    while any(name.startswith(f"{number:04}-") for name in workspace.versions.versions(project)):
        number += 1
    return f"{number:04}-{candidate.rpartition('-')[2]}"
