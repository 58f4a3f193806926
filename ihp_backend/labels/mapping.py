"""Mapping of labels: which of a model's labels become which of a project's, one or several; the rest is background.

"shoes" is the model's left and right shoe, "person" all that is on one. Where something else is meant, the labelling
config says so, with an attribute that other backends of Label Studio read likewise:
``<Label value="top" predicted_values="coat, dress"/>``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from ihp_backend.labels.label_set import LabelSet
from ihp_backend.labels.matching import match_labels
from ihp_backend.labels.spelling import is_background, kind_key, meaning_key, spelling_key

Origin = Literal["name", "spelling", "synonym", "kind", "alias", "parts", "predicted_values"]
"""How the model's labels were found: by the label's name, by its name spelled otherwise, by another word for it, as
what it is a kind of, by its alias, as its parts, or in the labelling config."""

_ARMS = ("left arm", "right arm")
_LEGS = ("left leg", "right leg")
_WHOLES: Final = {
    meaning_key(whole): frozenset(map(meaning_key, parts))
    for whole, parts in (
        ("shoes", ("left shoe", "right shoe")),
        ("arms", _ARMS),
        ("legs", _LEGS),
        ("eyes", ("left eye", "right eye")),
        ("brows", ("left brow", "right brow")),
        ("lips", ("upper lip", "lower lip")),
        ("limbs", (*_ARMS, *_LEGS)),
        ("lower clothes", ("pants", "skirt")),
        ("head", ("face", "hair", "hat", "sunglasses")),
        ("skin", ("face", "torso skin", *_ARMS, *_LEGS)),
        ("clothes", ("upper clothes", "dress", "coat", "socks", "pants", "jumpsuit", "scarf", "skirt", "glove")),
    )
}
_PERSON: Final = meaning_key("person")
"""All of a model's labels but the background."""


@dataclass(frozen=True)
class LabelMapping:
    """Which of a model's labels become which of a project's.

    Attributes:
        ids: project's label -> ids of the model's labels that become it, the one of its own name first; labels that the
            model does not know at all are not in it.
        origins: for the same labels, how these were found.
        unknown: project's other labels -> why, readable.
        background: ids of the model's labels, but for its background, that become no label of the project and so are
            background to it.
        not_found: project's label -> what its ``predicted_values`` name and the model does not have.
    """

    ids: Mapping[str, tuple[int, ...]]
    origins: Mapping[str, Origin]
    unknown: Mapping[str, str]
    background: tuple[int, ...]
    not_found: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def describe(self, model: LabelSet) -> str:
        """Readable, fit for a log line: what is not simply the same name, what is unknown, what becomes background.

        Args:
            model: the model's labels.

        Examples:
            >>> model = LabelSet(("background", "left shoe", "right shoe", "coat", "hat"))
            >>> map_labels(["shoes", "hat"], model).describe(model)
            '2 labels known to the model, shoes (left shoe, right shoe); background to it: coat'
            >>> map_labels(["shoes", "hat", "cap"], model).describe(model).partition("; ")[2]
            '1 new to it, cap; background to it until those are clicked: coat'
        """
        others = [
            f"{name} ({', '.join(model.names[label] for label in ids)})"
            for name, ids in self.ids.items()
            if [spelling_key(model.names[label]) for label in ids] != [spelling_key(name)]
        ]
        background = ", ".join(model.names[label] for label in self.background)
        # A label that the model does not know may be any of them, once it is clicked.
        others_are = "background to it until those are clicked" if self.unknown else "background to it"
        return "; ".join(
            (
                ", ".join((f"{len(self.ids)} labels known to the model", *others)),
                *([f"{len(self.unknown)} new to it, {', '.join(self.unknown)}"] if self.unknown else []),
                *([f"{others_are}: {background}"] if background else []),
            )
        )


def map_labels(
    wanted: Sequence[str],
    model: LabelSet,
    predicted_values: Mapping[str, Sequence[str]] | None = None,
    aliases: Mapping[str, str] | None = None,
) -> LabelMapping:
    """Finds the model's labels for each of a project's: those that the config names, its name's, its parts.

    A label of the model becomes one label only, or several that are spelled alike. What ``predicted_values`` name goes
    before names, names before parts, and the parts of a smaller whole before those of a larger: of "skin" and "person"
    the first has the arms.

    Args:
        wanted: the project's labels; repeated names count once.
        model: the model's labels.
        predicted_values: project's label -> the model's labels, or wholes of them, that become it, spelled as you like.
            One that names "background" alone is taken for a label that the model does not know. Where the model has
            none of what is named, its own name counts.
        aliases: project's label -> another name of it, for labels whose own name says nothing to the model.

    Examples:
        >>> model = LabelSet(("background", "left shoe", "right shoe", "coat", "hat"))
        >>> mapping = map_labels(["shoes", "top", "Hat"], model, {"top": ["coat"]})
        >>> mapping.ids
        {'shoes': (1, 2), 'top': (3,), 'Hat': (4,)}
        >>> mapping.origins
        {'shoes': 'parts', 'top': 'predicted_values', 'Hat': 'spelling'}
    """
    names = list(dict.fromkeys(wanted))
    aliases = aliases or {}
    ids: dict[str, tuple[int, ...]] = {}
    origins: dict[str, Origin] = {}
    unknown: dict[str, str] = {}
    not_found: dict[str, tuple[str, ...]] = {}
    for name in names:
        given = (predicted_values or {}).get(name)
        if not given:
            continue
        # One by one: two words for one label do not compete here.
        named = {one: match_labels([one], model).ids.get(one) for one in given}
        wholes = {one: _whole(one, model) if label is None else (label,) for one, label in named.items()}
        if missing := tuple(one for one, labels in wholes.items() if not labels):
            not_found[name] = missing
        background = (0,) if is_background(name) else ()
        if own := (*background, *_not_in(ids, (label for labels in wholes.values() for label in labels if label))):
            ids[name], origins[name] = own, "predicted_values"
        elif len(missing) < len(given):
            unknown[name] = "its predicted_values name nothing that another label does not have"
    free = [name for name in names if name not in ids and name not in unknown]
    claimed = dict(ids)
    match = match_labels(free, model)
    unknown |= match.reasons
    for name, label in match.ids.items():
        if _not_in(claimed, [label]) or label == 0:
            ids[name] = (label,)
            origins[name] = match.guessed.get(name, "name")  # type: ignore[assignment]
        else:
            unknown[name] = f"{model.names[label]!r} goes to another label by its predicted_values"
    of_alias = {aliases[name]: name for name in free if name in aliases and name not in ids}
    for alias, label in match_labels(list(of_alias), model).ids.items():
        if own := _not_in(ids, [label]):
            ids[of_alias[alias]], origins[of_alias[alias]] = own, "alias"
    whole_of = {name: whole for name in free if (whole := _whole(name, model) or _whole(aliases.get(name, ""), model))}
    shared: dict[str, tuple[int, ...]] = {}
    for name in sorted(whole_of, key=lambda name: len(whole_of[name])):
        parts = shared.setdefault(spelling_key(name), _not_in(ids, whole_of[name]))
        if parts:
            origins.setdefault(name, "parts")
            ids[name] = (*ids.get(name, ()), *parts)
    return LabelMapping(
        ids={name: ids[name] for name in names if name in ids},
        origins={name: origins[name] for name in names if name in ids},
        unknown={name: unknown[name] for name in names if name not in ids},
        background=_not_in(ids, range(1, len(model))),
        not_found=not_found,
    )


def _whole(name: str, model: LabelSet) -> tuple[int, ...]:
    """Ids of the model's labels that are parts of what a name says, none where that is no whole."""
    key = kind_key(name)
    if key == _PERSON:
        return tuple(range(1, len(model)))
    parts = _WHOLES.get(key)
    if parts is None:
        return ()
    return tuple(label for label, of_model in enumerate(model.names) if meaning_key(of_model) in parts)


def _not_in(ids: Mapping[str, tuple[int, ...]], labels: Iterable[int]) -> tuple[int, ...]:
    """Those of the labels that become nothing yet, each once."""
    taken = {label for those in ids.values() for label in those}
    return tuple(label for label in dict.fromkeys(labels) if label not in taken)
