"""Matching of labels: a model's labels for the names somebody chose, for example in a labelling config."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ihp_backend.labels.label_set import LabelSet
from ihp_backend.labels.spelling import kind_key, meaning_key, spelling_key


@dataclass(frozen=True)
class LabelMatch:
    """Match of wanted names to available labels.

    Attributes:
        ids: wanted name -> id in the available label set.
        unmatched: wanted names that no available label serves, in the order wanted.
        unused: available names that nobody wanted, in id order.
        reasons: unmatched name -> why, readable.
        guessed: name that is a label only under another name -> "spelling", "synonym" or "kind".
    """

    ids: Mapping[str, int]
    unmatched: tuple[str, ...]
    unused: tuple[str, ...]
    reasons: Mapping[str, str] = field(default_factory=dict)
    guessed: Mapping[str, str] = field(default_factory=dict)

    def describe(self) -> str:
        """A readable sentence, fit for a log line or an error.

        Examples:
            >>> match_labels(["hat", "beard"], LabelSet(("background", "hat"))).describe()
            "1 of 2 labels matched; unmatched: 'beard' (the model has no such label); not asked for: background."
        """
        wanted = len(self.ids) + len(self.unmatched)
        sentence = f"{len(self.ids)} of {wanted} labels matched"
        if self.unmatched:
            sentence += "; unmatched: " + ", ".join(f"{name!r} ({self.reasons[name]})" for name in self.unmatched)
        if self.unused:
            sentence += "; not asked for: " + ", ".join(self.unused)
        return sentence + "."


def match_labels(wanted: Sequence[str], available: LabelSet) -> LabelMatch:
    """Labels matched to names: exactly first, then by spelling (case, hyphens, plural), by synonym, by kind.

    An available label serves one wanted name, or several that are spelled alike. Where two names compete for one
    label, or one name fits two labels, nobody is guessed for: the names stay unmatched, with the reason.

    Args:
        wanted: names to look for; repeated names count once.
        available: the labels there are.

    Examples:
        >>> known = LabelSet(("background", "left arm", "pants", "hat"))
        >>> match = match_labels(["LeftArm", "trousers", "beard"], known)
        >>> match.ids
        {'LeftArm': 1, 'trousers': 2}
        >>> match.unmatched, match.unused
        (('beard',), ('background', 'hat'))
        >>> match.guessed
        {'LeftArm': 'spelling', 'trousers': 'synonym'}
    """
    open_names = list(dict.fromkeys(wanted))
    ids: dict[str, int] = {}
    reasons: dict[str, str] = {}
    by_key: tuple[Callable[[str], str], ...] = (lambda name: name, spelling_key, meaning_key, kind_key)
    for key in by_key:
        taken = set(ids.values())
        candidates: dict[str, list[int]] = defaultdict(list)
        for label, name in enumerate(available.names):
            if label not in taken and key(name):
                candidates[key(name)].append(label)
        rivals: dict[str, list[str]] = defaultdict(list)
        for name in open_names:
            rivals[key(name)].append(name)
        for name in open_names:
            labels = candidates.get(key(name), [])
            others = [rival for rival in rivals[key(name)] if spelling_key(rival) != spelling_key(name)]
            if len(labels) > 1:
                reasons[name] = "fits " + " and ".join(repr(available.names[label]) for label in labels)
            elif labels and others:
                reasons[name] = f"competes with {', '.join(map(repr, others))} for {available.names[labels[0]]!r}"
            elif labels:
                ids[name] = labels[0]
        open_names = [name for name in open_names if name not in ids]
        _let_twins_share(open_names, ids)
        open_names = [name for name in open_names if name not in ids]

    serving = {kind_key(available.names[label]): label for label in ids.values()}
    for name in open_names:
        if kind_key(name) in serving:
            label = serving[kind_key(name)]
            served = next(other for other, other_label in ids.items() if other_label == label)
            reasons[name] = f"{available.names[label]!r} already serves {served!r}"
        reasons.setdefault(name, "the model has no such label")
    unused = tuple(name for label, name in enumerate(available.names) if label not in set(ids.values()))
    unmatched = tuple(open_names)
    return LabelMatch(
        ids={name: ids[name] for name in dict.fromkeys(wanted) if name in ids},
        unmatched=unmatched,
        unused=unused,
        reasons={name: reasons[name] for name in unmatched},
        guessed={
            name: _guess(name, available.names[ids[name]])
            for name in dict.fromkeys(wanted)
            if name in ids and name != available.names[ids[name]]
        },
    )


def _guess(name: str, known: str) -> str:
    """In what a name and the label that it was matched to are alike."""
    if spelling_key(name) == spelling_key(known):
        return "spelling"
    return "synonym" if meaning_key(name) == meaning_key(known) else "kind"


def _let_twins_share(open_names: Sequence[str], ids: dict[str, int]) -> None:
    """A name spelled like one that has its label ("LeftArm", "left-arm") shares that label."""
    twins = {spelling_key(name): label for name, label in ids.items() if spelling_key(name)}
    for name in open_names:
        if spelling_key(name) in twins:
            ids[name] = twins[spelling_key(name)]
