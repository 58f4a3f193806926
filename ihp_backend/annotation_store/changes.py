"""Changes that the annotation store is told of: annotations made, changed or withdrawn, and configs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Annotation:
    """One annotator's work on one task, as it was submitted last.

    Attributes:
        project: the project's id.
        id: of the annotation, unique in its labelling tool.
        task: of the photograph.
        annotator: who made it, "" if unknown.
        updated: when, Unix seconds on the labelling tool's clock; the newest word on an annotation counts.
        cancelled: whether the annotator skipped the task.
        content: regions and photograph as JSON, which only the room that knows the labelling tool reads.
    """

    project: str
    id: int
    task: int
    annotator: str
    updated: float
    cancelled: bool
    content: str


@dataclass(frozen=True)
class Withdrawn:
    """Annotations that were deleted."""

    project: str
    ids: tuple[int, ...]


@dataclass(frozen=True)
class TasksWithdrawn:
    """Tasks that were deleted, with all that was made of them."""

    project: str
    tasks: tuple[int, ...]


@dataclass(frozen=True)
class Configured:
    """A project has this labelling config."""

    project: str
    config: str


@dataclass(frozen=True)
class TrainingWanted:
    """Somebody pressed the button."""

    project: str


@dataclass(frozen=True)
class Untold:
    """Something changed that was not told: in this project, or with "" in nobody knows which."""

    project: str


Change = Annotation | Withdrawn | TasksWithdrawn | Configured | TrainingWanted | Untold
