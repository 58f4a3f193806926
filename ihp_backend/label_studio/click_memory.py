"""ClickMemory: the clicks that stand on each task, of all labels.

Why: a request of the page names only the clicks of one label, and with "Auto accept" on only the newest of them,
while its answer replaces the suggestions of all labels. Whoever answers without a memory loses work.

How a request changes what stands:

- Its list replaces the label's clicks if it shares an id with them (the page sends all that stand), otherwise it is
  added to them (after an accept the page sends only what is new).
- A click that moves or changes its label keeps its id, so it is found under its old label and moved.
- Clicks of other labels that the draft holds and the memory lacks are added: the server may have been restarted.

Which labels are answered: the request's own, and every other label with standing clicks, unless its region already
stands accepted in the draft (without a draft: in the annotation). That region may have been edited by hand and is
never overwritten. A draft that has not changed since the label's last click cannot know of that click, so it does not
count as accepted then.

Known gaps, as Label Studio sends nothing for undo, redo, reject and deleting a click or a region: the memory learns
of them only from the label's next list, or from a draft that no longer holds what an earlier one held. A click that
came and went between two saved drafts (at most five seconds) is kept until then. A user is known only once there is a
draft; two users who both begin the same task within those seconds share one memory until their drafts part them.

Concurrency: one lock around everything; nothing slow happens under it. One memory per process: with several workers
each knows only the clicks it was sent.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ihp_backend.label_studio.prompts import MOST_PROMPTS, Prompt, PromptRequest
from ihp_backend.label_studio.saved_work import SavedWork

Key = tuple[str, str, str, str | None]


@dataclass(frozen=True)
class Standing:
    """What stands on a task's photograph after a request.

    Attributes:
        prompts: every label's prompts, oldest first.
        answered: the labels whose regions belong in the answer.
        forgotten: prompts given up because a task holds at most ``MOST_PROMPTS``.
    """

    prompts: Mapping[str, tuple[Prompt, ...]]
    answered: tuple[str, ...]
    forgotten: int = 0


@dataclass
class _Label:
    prompts: dict[str, Prompt] = field(default_factory=dict)
    seen_in_draft: set[str] = field(default_factory=set)
    stamp: int | None = None
    """The saved work's stamp at the label's last click, None if only a draft told of its clicks."""


@dataclass
class _Task:
    labels: dict[str, _Label] = field(default_factory=dict)
    annotations: frozenset[int] = frozenset()
    used: float = 0.0


class ClickMemory:
    """Standing clicks in memory, bounded and expiring.

    Args:
        most_tasks: tasks remembered; the least recently used give way.
        expires_after: seconds after which an untouched task is forgotten.
        clock: seconds, for tests.
    """

    def __init__(
        self, most_tasks: int = 2000, expires_after: float = 12 * 3600.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most_tasks = most_tasks
        self._expires_after = expires_after
        self._clock = clock
        self._lock = threading.Lock()
        self._tasks: OrderedDict[Key, _Task] = OrderedDict()

    def update(self, project: str, task: str, request: PromptRequest, saved: SavedWork) -> Standing:
        """Take in a request and say what stands now on its image."""
        with self._lock:
            remembered = self._find(project, task, request, saved)
            remembered.annotations |= saved.annotations
            _take_in_request(remembered, request, saved)
            _take_in_draft(remembered, request, saved)
            forgotten = _shrink(remembered)
            requested = {prompt.label for prompt in request.prompts}
            return Standing(
                prompts={name: tuple(label.prompts.values()) for name, label in remembered.labels.items()},
                answered=tuple(
                    name
                    for name, label in remembered.labels.items()
                    if name in requested or name not in saved.accepted or label.stamp == saved.stamp
                ),
                forgotten=forgotten,
            )

    def signs(self, project: str, task: str) -> dict[str, bool]:
        """id -> positive of every remembered click of a task, whoever made it."""
        with self._lock:
            return {
                prompt.id: prompt.positive
                for key, remembered in self._tasks.items()
                if key[:2] == (project, task)
                for label in remembered.labels.values()
                for prompt in label.prompts.values()
            }

    def standing(self, project: str, task: str) -> int:
        """Prompts that stand on a task, of all its users."""
        return len(self.signs(project, task))

    def forget(self, project: str, task: str) -> None:
        """Forget everything about a task, for all users."""
        with self._lock:
            for key in [key for key in self._tasks if key[:2] == (project, task)]:
                del self._tasks[key]

    def forget_annotation(self, project: str, annotation: int) -> None:
        """Forget the task that has this annotation; deletions name only the annotation."""
        with self._lock:
            for key in [key for key in self._tasks if key[0] == project]:
                if annotation in self._tasks[key].annotations:
                    del self._tasks[key]

    def __len__(self) -> int:
        """Clicks remembered."""
        with self._lock:
            return sum(len(label.prompts) for task in self._tasks.values() for label in task.labels.values())

    def _find(self, project: str, task: str, request: PromptRequest, saved: SavedWork) -> _Task:
        now = self._clock()
        while self._tasks and now - next(iter(self._tasks.values())).used > self._expires_after:
            self._tasks.popitem(last=False)
        image = request.to_name or ""
        key: Key = (project, task, image, saved.user)
        nameless = self._tasks.get((project, task, image, None)) if saved.user is not None else None
        if nameless is not None:
            # Clicks made before the first draft was saved belong to the first user whose draft shows up,
            # or to the one whose clicks they are.
            ids = {prompt.id for prompt in (*request.prompts, *saved.prompts)}
            if key not in self._tasks or any(ids & label.prompts.keys() for label in nameless.labels.values()):
                self._tasks[key] = self._tasks.pop((project, task, image, None))
        remembered = self._tasks.setdefault(key, _Task())
        remembered.used = now
        self._tasks.move_to_end(key)
        while len(self._tasks) > self._most_tasks:
            self._tasks.popitem(last=False)
        return remembered


def _take_in_request(remembered: _Task, request: PromptRequest, saved: SavedWork) -> None:
    by_label: dict[str, dict[str, Prompt]] = {}
    for prompt in request.prompts:
        by_label.setdefault(prompt.label, {})[prompt.id] = prompt
    for name, prompts in by_label.items():
        for other_name, other in remembered.labels.items():
            if other_name != name:
                other.prompts = {key: prompt for key, prompt in other.prompts.items() if key not in prompts}
        label = remembered.labels.setdefault(name, _Label())
        label.prompts = prompts if prompts.keys() & label.prompts.keys() else {**label.prompts, **prompts}
        label.stamp = saved.stamp


def _take_in_draft(remembered: _Task, request: PromptRequest, saved: SavedWork) -> None:
    requested_labels = {prompt.label for prompt in request.prompts}
    requested_ids = {prompt.id for prompt in request.prompts}
    drafted = {prompt.id for prompt in saved.prompts}
    for prompt in saved.prompts:
        # Of the request's own labels the request knows better, the draft may be older.
        if prompt.id not in requested_ids and prompt.label not in requested_labels:
            remembered.labels.setdefault(prompt.label, _Label()).prompts.setdefault(prompt.id, prompt)
    for name, label in remembered.labels.items():
        if name not in requested_labels and name not in saved.accepted:
            gone = label.seen_in_draft - drafted
            label.prompts = {key: prompt for key, prompt in label.prompts.items() if key not in gone}
        label.seen_in_draft |= label.prompts.keys() & (label.prompts.keys() if name in saved.accepted else drafted)
    remembered.labels = {name: label for name, label in remembered.labels.items() if label.prompts}


def _shrink(remembered: _Task) -> int:
    """Give up the oldest prompts of the longest lists until the task holds ``MOST_PROMPTS``; says how many."""
    forgotten = 0
    while sum(len(label.prompts) for label in remembered.labels.values()) > MOST_PROMPTS:
        longest = max(remembered.labels.values(), key=lambda label: len(label.prompts))
        del longest.prompts[next(iter(longest.prompts))]
        forgotten += 1
    return forgotten
