"""Targets: what can be asked for, and which measurements each needs."""

from __future__ import annotations

from collections.abc import Iterable

from training.reproduction.methods import (
    CENTRAL,
    FORGETFUL,
    METHODS,
    MIRRORED,
    NOTHING,
    NOTHING_KNOWN,
    PACKAGED,
    PART_BY_PART,
    PRE_ANNOTATED,
    SCALED,
    SWEEP,
    UNSEEN,
    UNSEEN_LABELS,
)
from training.reproduction.scales import Scale

Need = tuple[str, tuple[str, ...]]
"""A method, and the ways to start from which it is measured."""


def _each(*methods: str) -> tuple[Need, ...]:
    return tuple((method, (METHODS[method].start,)) for method in methods)


BASELINES = ("no-clicks", "nearest", "watershed", "ideeplab", "dextr")

TABLE_OF_LABELS = _each(*BASELINES, "central", "random", "random-sp")
"""Tables IV to VI are one table on different data."""

TARGETS: dict[str, tuple[Need, ...]] = {
    "table1": _each("central", "random-only"),
    "table2": _each("random", "near-edge"),
    "table3": _each("central", "near-edge", "near-edge-sp", "random", "random-sp"),
    "table4": TABLE_OF_LABELS,
    "table5": TABLE_OF_LABELS,
    "table6": TABLE_OF_LABELS,
    "fig3": _each("central", "random", "random-75", "near-edge", "near-edge-45"),
    "fig4": (*_each(*BASELINES, "central", "random-sp"), ("ideeplab", (PART_BY_PART,))),
    "fig7": tuple((method, (CENTRAL, NOTHING)) for method in ("central", "random", "random-sp")),
    "ablations": (
        *_each("watershed", "random", "corrected"),
        ("live", (CENTRAL, NOTHING, UNSEEN_LABELS, FORGETFUL)),
        *_each("live-one-round", "live-no-sp", "live-no-similarity", "live-stride-8"),
        ("live-no-colour", (CENTRAL, NOTHING)),
        ("live-no-pieces", (CENTRAL, NOTHING)),
        ("live-no-previous", (FORGETFUL,)),
    ),
    "unseen": _each("live", *(f"live-unseen-{third}" for third in range(len(UNSEEN)))),
    "losses": _each("random", "random-plain", "random-sp", "near-edge", "near-edge-sp"),
    "semantic-perceiving": _each(*SWEEP),
}
"""What each target needs."""

OWN = "own"
"""The target of methods that are given as files."""

BEYOND_THE_PAPER = ("ablations", "unseen", "semantic-perceiving")
"""Targets that are not the paper's, and no part of "all"."""

DATASETS = {"table4": ("lip", "cihp"), "table5": ("pascal-person-part",), "table6": ("helen",)}
"""Targets that the paper has for one data set; at the full scale they are made for that one only."""


REGIONS = ("ce2p", "ce2p-head", "ce2p-body", "ce2p-rpr", "ce2p-three")
SSL = ("attention", "attention-ssl", "deeplab-v2", "deeplab-v2-ssl")

PARSER_TARGETS: dict[str, tuple[Need, ...]] = {
    "rpr1": _each(*SSL, "deeplab-v3", "ocr", "ce2p", "ce2p-rpr"),
    "rpr2": _each(*SSL, "deeplab-v3", "ocr", "ce2p", "ce2p-rpr"),
    "rpr3": _each(*SSL, "ce2p", "ce2p-rpr"),
    "rpr4": _each(*SSL, "ce2p", "ce2p-rpr"),
    "rpr5": _each(*REGIONS),
    "rpr6": _each("ce2p", "ce2p-mid", "ce2p-rpr"),
    "rpr7": _each("ce2p", "ce2p-equal", "ce2p-rpr"),
    "rpr8": _each("ce2p", "ce2p-rpr", "deeplab-v3", "deeplab-v3-rpr", "ocr", "ocr-rpr"),
    "rpr9": _each("ce2p", "ce2p-rpr", "deeplab-v3", "deeplab-v3-rpr", "ocr", "ocr-rpr"),
    "ssl": _each(*SSL, "deeplab-v2-literal", "deeplab-v2-soft"),
    "today": (
        ("ce2p", (NOTHING, MIRRORED, SCALED)),
        *_each("ce2p-lovasz", "ce2p-batch-norm", "ce2p-rotated", "ce2p-no-colours"),
    ),
    "starts": (
        (PACKAGED, (NOTHING, NOTHING_KNOWN)),
        *((method, (PRE_ANNOTATED,)) for method in ("ce2p-rpr", "ce2p-three", "ocr-rpr")),
    ),
}
"""What each table of RPR and SSL needs, that of what today's best parsers do, and that of the clicks that they save."""

PARSER_DATASETS = {
    **dict.fromkeys(("rpr1", "rpr2", "rpr5", "rpr6", "rpr7", "rpr8", "rpr9", "today", "starts"), ("atr",)),
    "rpr3": ("lip",),
    "rpr4": ("lip",),
    "ssl": ("lip", "pascal-person-part"),
}
"""The data sets that the papers have each table for; at the full scale it is made for them only."""


def parsers_wanted(target: str, scale: Scale) -> tuple[str, ...]:
    """The targets about automatic parsers that ``target`` stands for on the data set of a scale."""
    names = PARSER_TARGETS if target in ("all", "parsers") else (target,)
    made = scale.name != "full"
    return tuple(name for name in names if name in PARSER_TARGETS and (made or scale.dataset in PARSER_DATASETS[name]))


def compare_own(methods: Iterable[str]) -> None:
    """Makes a target of own methods, beside the paper's and a watershed from the same clicks."""
    TARGETS[OWN] = _each(*methods, "random", "watershed")


def wanted(target: str, dataset: str, scale: str) -> tuple[str, ...]:
    """The targets that ``target`` stands for on a data set.

    Raises:
        ValueError: no such target, or the data of its table are not part of this scale.
    """
    if target == "all":
        # Below the full scale there is one data set, and one table of its labels says it all.
        skipped = (OWN, *BEYOND_THE_PAPER, *(() if scale == "full" else ("table5", "table6")))
        return tuple(name for name in TARGETS if name not in skipped and _fits(name, dataset, scale))
    if target == OWN and target not in TARGETS:
        raise ValueError("target: own is about methods of yours; give them with --method FILE.yaml")
    if target in PARSER_TARGETS or target == "parsers":
        return ()
    if target not in TARGETS:
        known = ", ".join([*TARGETS, *PARSER_TARGETS])
        raise ValueError(f"target: {target!r} is unknown; choose one of {known}, parsers or all")
    if scale == "full" and target in BEYOND_THE_PAPER:
        raise ValueError(f"target: {target} is made below the full scale; choose --scale ccp")
    if scale != "full" and target in ("table5", "table6"):
        raise ValueError(f"target: {target} is about {DATASETS[target][0]}; it needs --scale full and that data set")
    return (target,) if _fits(target, dataset, scale) else ()


def _fits(target: str, dataset: str, scale: str) -> bool:
    return scale != "full" or target not in DATASETS or dataset in DATASETS[target]


def needs(targets: Iterable[str]) -> list[Need]:
    """The needs of the targets, every method once."""
    starts: dict[str, list[str]] = {}
    for target in targets:
        for method, from_ in (TARGETS | PARSER_TARGETS)[target]:
            known = starts.setdefault(method, [])
            known += [start for start in from_ if start not in known]
    return [(method, tuple(from_)) for method, from_ in starts.items()]
