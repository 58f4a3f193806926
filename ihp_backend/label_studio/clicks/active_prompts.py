"""The rules of active prompts: how a request changes what stands on a photograph, and what is answered to it.

Why: a request of the page names only the clicks of one label, and with "Auto accept" on only the newest of them,
while its answer replaces the suggestions of all labels. Whoever answers without a memory loses work.

How a request changes what stands:

- Its list replaces the label's clicks if it shares an id with them (the page sends all that stand), otherwise it is
  added to them (after an accept the page sends only what is new).
- A click that moves or changes its label keeps its id, so it is found under its old label and moved.
- Clicks of other labels that the draft holds and the memory lacks are added: the memory may have expired.
- An annotation that was not there before, and no draft: the work was submitted, what stood before stands no more.

- A mask in the draft that looks otherwise than at the label's last click was accepted since, or edited by hand: its
  clicks are settled, and the page may not show them any more.
- Clicks that are not settled and that an earlier draft held stand no more if the draft lacks them: they were undone,
  rejected or deleted. So do those that no draft has held, once the draft was saved ``DRAFT_SECONDS`` after the label's
  last click: before, it may be older than the click.

Which labels are answered: the request's own, and every other label with active prompts, unless its mask was accepted
or edited by hand since its last click: such a mask is never overwritten. Without a draft, an annotation that was saved
since that click counts as accepted.

Known gap: Label Studio sends nothing for undo, redo, reject and deleting a click or a region. So they are learned of
from the label's next list or from drafts only, which come up to five seconds late.
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
        settled: ids of the prompts whose masks were accepted, or edited by hand, since.
        forgotten: prompts given up because a task holds at most ``MOST_PROMPTS``.
    """

    prompts: Mapping[str, tuple[Prompt, ...]]
    answered: tuple[str, ...]
    settled: frozenset[str] = frozenset()
    forgotten: int = 0


@dataclass
class RememberedLabel:
    """Memory of one label.

    Attributes:
        prompts: by id, oldest first.
        seen_in_draft: ids of those that a draft has held.
        settled: ids of those whose mask was accepted, or edited by hand, since.
        looked: how its mask looked in the saved work at the last click, see ``SavedWork.looks``.
        stamp: the saved work's at the label's last click, None if only a draft told of its clicks.
        clicked: seconds of some clock at the label's last click.
    """

    prompts: dict[str, Prompt] = field(default_factory=dict)
    seen_in_draft: set[str] = field(default_factory=set)
    settled: set[str] = field(default_factory=set)
    looked: frozenset[int] = frozenset()
    stamp: int | None = None
    clicked: float = 0.0

    def accepted_since(self, name: str, saved: SavedWork) -> bool:
        """Whether the label has a mask that is newer than its last click."""
        if name not in saved.accepted:
            return False
        if saved.user is None:
            return self.stamp != saved.stamp
        return not saved.looks(name) <= self.looked


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
        _take_in_saved(self, request, saved, now)
        _take_in_request(self, request, saved, now)
        return self.active(request, saved, _shrink(self))

    def active(self, request: PromptRequest, saved: SavedWork, forgotten: int = 0) -> ActivePrompts:
        """Active prompts for the answer to a request that was taken in."""
        requested = {prompt.label for prompt in request.prompts}
        return ActivePrompts(
            prompts={name: tuple(label.prompts.values()) for name, label in self.labels.items()},
            answered=tuple(
                name
                for name, label in self.labels.items()
                if name in requested or not label.accepted_since(name, saved)
            ),
            settled=frozenset(one for label in self.labels.values() for one in label.settled),
            forgotten=forgotten,
        )

    def shares_a_prompt(self, ids: set[str]) -> bool:
        """Whether any of the prompts is among ``ids``."""
        return any(ids & label.prompts.keys() for label in self.labels.values())


def _take_in_saved(remembered: Remembered, request: PromptRequest, saved: SavedWork, now: float) -> None:
    requested = {prompt.id for prompt in request.prompts}
    requested_labels = {prompt.label for prompt in request.prompts}
    drafted = {prompt.id for prompt in saved.prompts}
    for name, label in remembered.labels.items():
        if label.accepted_since(name, saved):
            label.settled |= label.prompts.keys()
        elif name not in saved.accepted or saved.user is not None:
            saved_since = saved.user is not None and saved.stamp != label.stamp
            known_of = saved_since and now - label.clicked > DRAFT_SECONDS
            gone = (label.prompts.keys() if known_of else label.seen_in_draft) - drafted - requested
            gone -= label.settled if name in saved.accepted else set()
            label.prompts = {key: prompt for key, prompt in label.prompts.items() if key not in gone}
    for prompt in saved.prompts:
        # Of the request's own labels the request knows better, the draft may be older.
        if prompt.id not in requested and prompt.label not in requested_labels:
            remembered.labels.setdefault(prompt.label, RememberedLabel()).prompts.setdefault(prompt.id, prompt)
    for label in remembered.labels.values():
        label.settled &= label.prompts.keys()
        label.seen_in_draft |= label.prompts.keys() & (drafted | label.settled)


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
        label.stamp, label.clicked, label.looked = saved.stamp, now, saved.looks(name)
    remembered.labels = {name: label for name, label in remembered.labels.items() if label.prompts}


def _shrink(remembered: Remembered) -> int:
    """Give up the oldest prompts of the longest lists until the task holds ``MOST_PROMPTS``; says how many."""
    forgotten = 0
    while sum(len(label.prompts) for label in remembered.labels.values()) > MOST_PROMPTS:
        longest = max(remembered.labels.values(), key=lambda label: len(label.prompts))
        del longest.prompts[next(iter(longest.prompts))]
        forgotten += 1
    return forgotten
