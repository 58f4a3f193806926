"""LabelSet: the names of a parsing's classes and what belongs to them."""

from __future__ import annotations

import colorsys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

IGNORE = 255
"""Label id of pixels that count neither in training nor in evaluation."""

ABSENT_LOGIT = -1e4
"""Logit of a label that cannot be the answer: never the best one, and finite in half precision."""

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class LabelSet:
    """The classes of a parsing; a label's id is its position in ``names``, the background has id 0.

    Args:
        names: one name per class, at most 255 of them (id 255 is ``IGNORE``), all different.
        flip_pairs: ids that change places when a photograph is mirrored (left arm, right arm).
        colours: RGB 0..255 per label; made from evenly spaced hues when empty.
        regions: named groups of label ids, for example ``{"head": {1, 2, 4, 13}}``.
        joints: named groups of label ids whose centres say how a person stands (SSL, "Look into Person").

    Raises:
        ValueError: names repeated, too many or none; a pair, colour, region or joint that does not fit the names.

    Examples:
        >>> labels = LabelSet(("background", "left arm", "right arm"), flip_pairs=((1, 2),))
        >>> len(labels)
        3
        >>> LabelSet(("background", "hat", "hat"))
        Traceback (most recent call last):
            ...
        ValueError: names: ['hat'] given more than once; every label needs its own name
    """

    names: tuple[str, ...]
    flip_pairs: tuple[tuple[int, int], ...] = ()
    colours: tuple[Colour, ...] = ()
    regions: Mapping[str, frozenset[int]] = field(default_factory=dict)
    joints: Mapping[str, frozenset[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 1 <= len(self.names) <= IGNORE:
            raise ValueError(f"names: {len(self.names)} labels given; a label set holds 1 to {IGNORE}")
        repeated = {name for name in self.names if self.names.count(name) > 1}
        if repeated:
            raise ValueError(f"names: {sorted(repeated)} given more than once; every label needs its own name")
        flipped = [label for pair in self.flip_pairs for label in pair]
        if len(flipped) != len(set(flipped)):
            raise ValueError(f"flip_pairs: {self.flip_pairs} names a label twice; a label has one mirror image")
        grouped = [label for groups in (self.regions, self.joints) for group in groups.values() for label in group]
        for label in (*flipped, *grouped):
            if not 0 <= label < len(self.names):
                raise ValueError(f"label id {label} does not exist; ids go from 0 to {len(self.names) - 1}")
        if not self.colours:
            object.__setattr__(self, "colours", _spread_colours(len(self.names)))
        if len(self.colours) != len(self.names):
            raise ValueError(f"colours: {len(self.colours)} given for {len(self.names)} labels; give one each")

    def __len__(self) -> int:
        return len(self.names)

    def id_of(self, name: str) -> int:
        """The id of ``name`` exactly as spelled; see ``match_labels`` for forgiving look-ups.

        Examples:
            >>> LabelSet(("background", "hat")).id_of("hat")
            1
        """
        try:
            return self.names.index(name)
        except ValueError:
            raise ValueError(f"label {name!r} is unknown; known labels: {', '.join(self.names)}") from None

    def without(self, names: Collection[str]) -> tuple[LabelSet, tuple[int, ...]]:
        """The label set without some labels, and each label's id in it, ``IGNORE`` for those that are gone.

        Raises:
            ValueError: a name that is unknown, or the background's.

        Examples:
            >>> labels, ids = LabelSet(("background", "hat", "hair")).without(["hat"])
            >>> labels.names, ids
            (('background', 'hair'), (0, 255, 1))
        """
        for name in names:
            if self.id_of(name) == 0:
                raise ValueError(f"label {name!r} is the background, which every label set has")
        kept = [label for label, name in enumerate(self.names) if name not in names]
        ids = {label: position for position, label in enumerate(kept)}
        table = tuple(ids.get(label, IGNORE) for label in range(len(self)))
        pairs = tuple((ids[left], ids[right]) for left, right in self.flip_pairs if left in ids and right in ids)
        regions, joints = (
            {name: frozenset(ids[label] for label in group if label in ids) for name, group in groups.items()}
            for groups in (self.regions, self.joints)
        )
        colours = tuple(self.colours[label] for label in kept)
        return LabelSet(tuple(self.names[label] for label in kept), pairs, colours, regions, joints), table

    def mirrored_ids(self) -> tuple[int, ...]:
        """The id of each label in the mirrored photograph; applying it twice changes nothing.

        Examples:
            >>> LabelSet(("background", "left arm", "right arm"), flip_pairs=((1, 2),)).mirrored_ids()
            (0, 2, 1)
        """
        ids = list(range(len(self.names)))
        for left, right in self.flip_pairs:
            ids[left], ids[right] = right, left
        return tuple(ids)

    def to_dict(self) -> dict[str, object]:
        """A JSON-ready description, the form in which checkpoints carry their labels.

        Examples:
            >>> LabelSet(("background", "hat"), colours=((0, 0, 0), (255, 0, 0))).to_dict()["colours"]
            [[0, 0, 0], [255, 0, 0]]
        """
        return {
            "names": list(self.names),
            "flip_pairs": [list(pair) for pair in self.flip_pairs],
            "colours": [list(colour) for colour in self.colours],
            "regions": {name: sorted(ids) for name, ids in self.regions.items()},
            "joints": {name: sorted(ids) for name, ids in self.joints.items()},
        }

    @classmethod
    def from_dict(cls, description: Mapping[str, Sequence]) -> LabelSet:
        """The inverse of ``to_dict``; raises ``ValueError`` naming the field that is missing or malformed.

        Examples:
            >>> LabelSet.from_dict({"names": ["background", "hat"]}).names
            ('background', 'hat')
            >>> LabelSet.from_dict({})
            Traceback (most recent call last):
                ...
            ValueError: label set: field 'names' is missing; known fields are []
        """
        try:
            groups: list[Mapping[str, Sequence[int]]] = [
                description.get(name) or {}  # type: ignore[misc]
                for name in ("regions", "joints")
            ]
            regions, joints = ({name: frozenset(map(int, ids)) for name, ids in group.items()} for group in groups)
            return cls(
                names=tuple(str(name) for name in description["names"]),
                flip_pairs=tuple((int(a), int(b)) for a, b in description.get("flip_pairs", ())),
                colours=tuple((int(r), int(g), int(b)) for r, g, b in description.get("colours", ())),
                regions=regions,
                joints=joints,
            )
        except KeyError as error:
            raise ValueError(f"label set: field {error} is missing; known fields are {list(description)}") from error
        except (TypeError, AttributeError) as error:
            raise ValueError(f"label set: malformed description ({error})") from error


def _spread_colours(count: int) -> tuple[Colour, ...]:
    """Black for the background, then hues a golden angle apart, so that neighbours in id differ clearly."""
    colours: list[Colour] = [(0, 0, 0)]
    for index in range(1, count):
        value = (0.95, 0.75)[index % 2]
        red, green, blue = colorsys.hsv_to_rgb(index * 0.618034 % 1.0, 0.72, value)
        colours.append((round(red * 255), round(green * 255), round(blue * 255)))
    return tuple(colours)
