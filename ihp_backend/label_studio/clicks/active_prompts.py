"""The rules of active prompts: how a request changes what stands on a photograph, and what is answered to it.

Why: a request of the page names only the clicks of one label, and with "Auto accept" on only the newest of them,
while its answer replaces the suggestions of all labels. Whoever answers without a memory loses work.

How a request changes what stands:

- Its list replaces the label's clicks if it shares an id with them (the page sends all that stand), otherwise it is
  added to them (after an accept the page sends only what is new).
- A click that moves or changes its label keeps its id, so it is found under its old label and moved.
- Clicks of other labels that the draft holds and the memory lacks are added: the memory may have expired.
- An annotation that was not there before, and no draft: the work was submitted, what stood before stands no more.

Which labels are answered: the request's own, and every other label with active prompts, unless its region already
stands accepted in the draft (without a draft: in the annotation). That region may have been edited by hand and is
never overwritten. A draft that has not changed since the label's last click cannot know of that click, so it does not
count as accepted then.

Known gaps, as Label Studio sends nothing for undo, redo, reject and deleting a click or a region: they are learned of
only from the label's next list, from a draft that no longer holds what an earlier one held, or from one saved since the
label's last click that does not hold it, once ``DRAFT_SECONDS`` have passed: before, it may be older than the click.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ihp_backend.label_studio.clicks.prompts import MOST_PROMPTS, Prompt, PromptRequest
from ihp_backend.label_studio.clicks.saved_work import SavedWork

DRAFT_SECONDS = 10.0
"""The page saves a draft at most five seconds after a change; as much again for a slow network."""


@dataclass(frozen=True)
class ActivePrompts:
    """Active prompts of a task's photograph after a request.

    Attributes:
        prompts: every label's prompts, oldest first.
        answered: the labels whose regions belong in the answer.
        forgotten: prompts given up because a task holds at most ``MOST_PROMPTS``.
    """

    prompts: Mapping[str, tuple[Prompt, ...]]
    answered: tuple[str, ...]
    forgotten: int = 0


@dataclass
class RememberedLabel:
    """Memory of one label.

    Attributes:
        prompts: by id, oldest first.
        seen_in_draft: ids of those that a draft has held.
        stamp: the saved work's at the label's last click, None if only a draft told of its clicks.
        clicked: seconds of some clock at the label's last click.
    """

    prompts: dict[str, Prompt] = field(default_factory=dict)
    seen_in_draft: set[str] = field(default_factory=set)
    stamp: int | None = None
    clicked: float = 0.0


@dataclass
class Remembered:
    """Memory of an annotator's work on a photograph: its labels, and ids of the task's annotations."""

    labels: dict[str, RememberedLabel] = field(default_factory=dict)
    annotations: frozenset[int] = frozenset()

    def take_in(self, request: PromptRequest, saved: SavedWork, now: float = 0.0) -> ActivePrompts:
        """Active prompts after a request that came at ``now``, in seconds of a clock that is always the same."""
        if saved.user is None and saved.annotations - self.annotations:
            self.labels.clear()
        self.annotations |= saved.annotations
        _take_in_request(self, request, saved, now)
        _take_in_draft(self, request, saved, now)
        return self.active(request, saved, _shrink(self))

    def active(self, request: PromptRequest, saved: SavedWork, forgotten: int = 0) -> ActivePrompts:
        """Active prompts for the answer to a request that was taken in."""
        requested = {prompt.label for prompt in request.prompts}
        return ActivePrompts(
            prompts={name: tuple(label.prompts.values()) for name, label in self.labels.items()},
            answered=tuple(
                name
                for name, label in self.labels.items()
                if name in requested or name not in saved.accepted or label.stamp == saved.stamp
            ),
            forgotten=forgotten,
        )

    def shares_a_prompt(self, ids: set[str]) -> bool:
        """Whether any of the prompts is among ``ids``."""
        return any(ids & label.prompts.keys() for label in self.labels.values())


def _take_in_request(remembered: Remembered, request: PromptRequest, saved: SavedWork, now: float) -> None:
    by_label: dict[str, dict[str, Prompt]] = {}
    for prompt in request.prompts:
        by_label.setdefault(prompt.label, {})[prompt.id] = prompt
    for name, prompts in by_label.items():
        for other_name, other in remembered.labels.items():
            if other_name != name:
                other.prompts = {key: prompt for key, prompt in other.prompts.items() if key not in prompts}
        label = remembered.labels.setdefault(name, RememberedLabel())
        label.prompts = prompts if prompts.keys() & label.prompts.keys() else {**label.prompts, **prompts}
        label.stamp, label.clicked = saved.stamp, now


def _take_in_draft(remembered: Remembered, request: PromptRequest, saved: SavedWork, now: float) -> None:
    requested_labels = {prompt.label for prompt in request.prompts}
    requested_ids = {prompt.id for prompt in request.prompts}
    drafted = {prompt.id for prompt in saved.prompts}
    for prompt in saved.prompts:
        # Of the request's own labels the request knows better, the draft may be older.
        if prompt.id not in requested_ids and prompt.label not in requested_labels:
            remembered.labels.setdefault(prompt.label, RememberedLabel()).prompts.setdefault(prompt.id, prompt)
    for name, label in remembered.labels.items():
        if name not in requested_labels and name not in saved.accepted:
            saved_since = saved.user is not None and saved.stamp != label.stamp
            known_of = saved_since and now - label.clicked > DRAFT_SECONDS
            gone = (label.prompts.keys() if known_of else label.seen_in_draft) - drafted
            label.prompts = {key: prompt for key, prompt in label.prompts.items() if key not in gone}
        label.seen_in_draft |= label.prompts.keys() & (label.prompts.keys() if name in saved.accepted else drafted)
    remembered.labels = {name: label for name, label in remembered.labels.items() if label.prompts}


def _shrink(remembered: Remembered) -> int:
    """Give up the oldest prompts of the longest lists until the task holds ``MOST_PROMPTS``; says how many."""
    forgotten = 0
    while sum(len(label.prompts) for label in remembered.labels.values()) > MOST_PROMPTS:
        longest = max(remembered.labels.values(), key=lambda label: len(label.prompts))
        del longest.prompts[next(iter(longest.prompts))]
        forgotten += 1
    return forgotten
