"""The methods that the paper compares, as changes to one training configuration."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from itertools import product
from pathlib import Path
from typing import Literal

import yaml

from ihp_backend.labels import HUMAN18
from training.reproduction.parsers import LOSSES, ParserRecipe

CENTRAL, NOTHING, PART_BY_PART, EXTREME_POINTS = "central", "nothing", "part-by-part", "extreme-points"
"""How a measurement begins: central clicks, none; or what is not the interaction protocol: iDeepLab's own, DEXTR's."""

UNSEEN_LABELS, FORGETFUL = "strangers", "forgetful"
"""With central clicks, but as if the network knew no label by name, or without showing it its last answer."""

NOTHING_KNOWN, PRE_ANNOTATED = "nothing-known", "pre-annotated"
"""Without clicks and as if no label were known by name; the packaged live network where a parser's masks stand."""

MIRRORED, SCALED = "mirrored", "scaled"
"""Without clicks, averaged with the mirrored photograph; and over three scales besides."""


Kind = Literal["clicks", "live", "classical", "ideeplab", "dextr", "automatic"]

OWN_KINDS, STARTS = ("clicks", "live"), (CENTRAL, NOTHING, UNSEEN_LABELS, FORGETFUL)
"""What a method of one's own may be, and begin with."""


@dataclass(frozen=True)
class Method:
    """One row of the paper's tables.

    Attributes:
        title: as tables and figures show it.
        options: of the training, on top of the scale's configuration.
        kind: "clicks": a click network; "live": the live network; "classical": needs no training, its name is that of
            the model; "ideeplab", "dextr": trained part by part; "automatic": parses without clicks.
        start: how a measurement that nothing else is said of begins.
        corrections: rounds under the interaction protocol, where they are fewer than the scale's.
        enforce_clicks: whether clicks that the network does not follow are settled for it, as when it serves.
        parser: of an automatic parser, what it is.
        longer: how many times the scale's steps it is trained for.
    """

    title: str
    options: dict[str, str] = field(default_factory=dict)
    kind: Kind = "clicks"
    start: str = CENTRAL
    corrections: int | None = None
    enforce_clicks: bool = False
    parser: ParserRecipe | None = None
    longer: int = 1


CENTRAL_ONLY = {"data.clicks.extra": "0"}
RANDOM = {"data.clicks.extra_kind": "random"}
NEAR_EDGE = {"data.clicks.extra_kind": "near-edge"}
SEMANTIC_PERCEIVING = {"model.semantic_perceiving": "ihp_backend.losses.SemanticPerceivingLoss"}
NETWORKS = "ihp_backend.networks"


def _limit(count: int) -> dict[str, str]:
    return {"data.clicks.extra_limit": str(count)}


def _live(title: str, **options: str) -> Method:
    return Method(f"live network{title}", {name.replace("__", "."): value for name, value in options.items()}, "live",
                  enforce_clicks=True)  # fmt: skip


UNSEEN = tuple(HUMAN18.names[first::3] for first in (1, 2, 3))
"""Thirds of the labels of which networks are trained that have never seen them."""


def _unseen(names: tuple[str, ...]) -> Method:
    return _live(
        f" without {names[0]} and others",
        data__left_out=json.dumps(names),
        model__network__num_labels=str(len(HUMAN18) - len(names)),
    )


def _parser(title: str, baseline: str, *regions: str, structure: str = "", **options: str) -> Method:
    given = {name.replace("__", "."): value for name, value in options.items()}
    return Method(title, kind="automatic", start=NOTHING, parser=ParserRecipe(baseline, regions, structure, given))


HEAD_AND_BODY = ("head", "body")
LOSS = f"{LOSSES}.ParserLoss"

AUTOMATIC: dict[str, Method] = {
    "ce2p": _parser("CE2P", "ce2p"),
    "ce2p-rpr": _parser("CE2P + RPR", "ce2p", *HEAD_AND_BODY),
    "deeplab-v2": _parser("DeepLab V2", "deeplab-v2"),
    "deeplab-v2-ssl": _parser("DeepLab V2 + SSL", "deeplab-v2", structure="offset"),
    "ce2p-head": _parser("CE2P + RPR, head only", "ce2p", "head"),
    "ce2p-body": _parser("CE2P + RPR, body only", "ce2p", "body"),
    "ce2p-mid": _parser("CE2P + RPR, mid fusion", "ce2p", *HEAD_AND_BODY, model__network__fusion="mid"),
    "ce2p-equal": _parser(
        "CE2P + RPR, equal weights", "ce2p", *HEAD_AND_BODY, model__loss=LOSS, model__loss__region_weights="equal"
    ),
    "ce2p-three": _parser("CE2P + RPR, three regions", "ce2p", *HEAD_AND_BODY, "sunglasses"),
    "attention": _parser("Attention", "attention"),
    "attention-ssl": _parser("Attention + SSL", "attention", structure="offset"),
    "deeplab-v3": _parser("DeepLab V3", "deeplab-v3"),
    "deeplab-v3-rpr": _parser("DeepLab V3 + RPR", "deeplab-v3", *HEAD_AND_BODY),
    "ocr": _parser("HRNet-OCR", "ocr"),
    "ocr-rpr": _parser("HRNet-OCR + RPR", "ocr", *HEAD_AND_BODY),
    "deeplab-v2-literal": _parser("DeepLab V2 + SSL, as printed", "deeplab-v2", structure="literal"),
    "deeplab-v2-soft": _parser("DeepLab V2 + SSL, differentiable", "deeplab-v2", structure="soft"),
    "ce2p-lovasz": _parser("CE2P, Lovász-softmax", "ce2p", model__loss=LOSS, model__loss__lovasz_weight="1"),
    "ce2p-batch-norm": _parser(
        "CE2P, batch norm taken anew",
        "ce2p",
        **{"trainer__callbacks+": "ihp_backend.learning.batch_norm.ReestimatedBatchNorm"},
    ),
    "ce2p-rotated": _parser("CE2P, rotated views", "ce2p", data__rotation="30"),
    "ce2p-no-colours": _parser("CE2P, colours as they are", "ce2p", data__colours="false"),
}
"""Parsers without clicks, of RPR and SSL."""

PACKAGED = "ccp-live"
"""The packaged model that answers clicks."""

FORMS, MARGINS, WEIGHTS = ("log", "linear"), (0.1, 0.5, 1.5), (0.1, 1.0)
"""Settings of the SP-loss over which it is swept."""

UNSWEPT = "sweep-none"
"""The training without SP-loss with which they are compared."""


def swept(form: str, margin: float, weight: float) -> str:
    """The name of the method with one setting of the SP-loss."""
    return f"sweep-{form}-{margin:g}-{weight:g}"


def _with_sp_loss(form: str, margin: float, weight: float) -> Method:
    title = f"R + SP-loss, {form}, margin {margin:g}, weight {weight:g}"
    loss = {"form": form, "margin": f"{margin:g}"}
    given = {f"model.semantic_perceiving.{name}": value for name, value in loss.items()}
    options = {**RANDOM, **SEMANTIC_PERCEIVING, **given, "model.semantic_perceiving_weight": f"{weight:g}"}
    return Method(title, options, longer=2)


SWEEP: dict[str, Method] = {
    UNSWEPT: Method("R, no SP-loss", RANDOM, longer=2),
    **{swept(*setting): _with_sp_loss(*setting) for setting in product(FORMS, MARGINS, WEIGHTS)},
}
"""The SP-loss in all its settings, trained twice as long as the others."""

METHODS: dict[str, Method] = {
    "no-clicks": Method(
        "DeepLab V3+ without clicks",
        {**CENTRAL_ONLY, "data.clicks.without": "1", "model.network": f"{NETWORKS}.PlainDeepLab"},
    ),
    "nearest": Method("nearest click", kind="classical"),
    "watershed": Method("watershed", kind="classical"),
    # Runs its network once for every clicked part, so twenty rounds would take hours.
    "ideeplab": Method("iDeepLab V3+", kind="ideeplab", corrections=10),
    "dextr": Method("DEXTR", kind="dextr", start=EXTREME_POINTS),
    "central": Method("central", CENTRAL_ONLY),
    "random-only": Method("random only", {**RANDOM, "data.clicks.central": "false"}),
    "random": Method("central + random (R)", RANDOM),
    "random-75": Method("R, up to 75", {**RANDOM, **_limit(75)}),
    "near-edge": Method("central + near-edge (N)", NEAR_EDGE),
    "near-edge-45": Method("N, up to 45", {**NEAR_EDGE, **_limit(45)}),
    "random-sp": Method("R + SP-loss", {**RANDOM, **SEMANTIC_PERCEIVING, "model.semantic_perceiving_weight": "1"}),
    "near-edge-sp": Method(
        "N + SP-loss", {**NEAR_EDGE, **SEMANTIC_PERCEIVING, "model.semantic_perceiving_weight": "3"}
    ),
    "random-plain": Method("R, plain cross-entropy", {**RANDOM, "model.loss": "ihp_backend.losses.CrossEntropy"}),
    "corrected": Method("R, corrected in training", {**RANDOM, "model.corrected": "0.6"}, enforce_clicks=True),
    "live": _live(""),
    "live-one-round": _live(", one round", model__rounds="1"),
    "live-no-previous": _live(", parsing so far unseen", model__forgetting="1", model__task_sampling__drawn="0"),
    "live-no-sp": _live(", no SP-loss", model__semantic_perceiving="null"),
    "live-no-similarity": _live(", no similarity", model__network__similarity="false"),
    "live-stride-8": _live(", stride 8", model__network__finest="8"),
    "live-no-colour": _live(", no colours", model__network__colour="false"),
    "live-no-pieces": _live(", no pieces of labels", data__sub_parts__share="0"),
    **{f"live-unseen-{third}": _unseen(names) for third, names in enumerate(UNSEEN)},
    **SWEEP,
    **AUTOMATIC,
    PACKAGED: Method("live network, as packaged", kind="classical", start=NOTHING, enforce_clicks=True),
}
"""Every method by the name used for its runs; the order is that of the work."""


def read_method(file: Path) -> str:
    """Adds the method of a YAML file to ``METHODS``, under the name of the file; gives that name.

    The file has ``title`` and what else a ``Method`` has; ``options`` are settings of a training by their dotted names.

    Raises:
        ValueError: it cannot be read, lacks a title, has another field, or the name is one of the paper's methods.
    """
    name, where = file.stem, f"method: {file}"
    try:
        given = yaml.safe_load(file.read_text())
    except OSError as error:
        raise ValueError(f"{where} cannot be read ({error.strerror}); give a YAML file") from None
    except yaml.YAMLError as error:
        raise ValueError(f"{where} is no YAML ({' '.join(str(error).split())})") from None
    known = [one.name for one in fields(Method) if one.name not in ("parser", "longer")]
    if not isinstance(given, dict) or not isinstance(given.get("title"), str):
        raise ValueError(f"{where} has no title; write for example title: mine")
    if others := given.keys() - set(known):
        raise ValueError(f"{where} has {', '.join(sorted(map(str, others)))}; a method has {', '.join(known)}")
    for field_, allowed in (("kind", OWN_KINDS), ("start", STARTS), ("enforce_clicks", (False, True))):
        if field_ in given and given[field_] not in allowed:
            choice = ", ".join(map(str, allowed)).lower()
            raise ValueError(f"{where} has {field_} {given[field_]!r}; choose one of {choice}")
    corrections = given.get("corrections")
    if corrections is not None and (not isinstance(corrections, int) or corrections < 1):
        raise ValueError(f"{where} has corrections {corrections!r}; give a whole number from 1 on")
    options = given.get("options") or {}
    if not isinstance(options, dict):
        raise ValueError(f"{where} has options that are no settings; write for example model.loss: CLASS")
    if name in METHODS:
        raise ValueError(f"{where} is named as one of the methods that there are; give the file another name")
    texts = {str(key): value if isinstance(value, str) else json.dumps(value) for key, value in options.items()}
    METHODS[name] = Method(**{**given, "options": texts})
    return name
