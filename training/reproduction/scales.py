"""Scales: on which data, with which recipe and how long the methods are trained and measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

CONFIGS = "training/configs"


@dataclass(frozen=True)
class Scale:
    """A scale: one data set with its recipe.

    Attributes:
        name: of the scale, and of its folder.
        dataset: see ``ihp_backend.datasets.DATASETS``.
        configs: files of ``training.train``, later ones on top.
        steps: of every training.
        seeds: trainings per method.
        corrections: rounds of the interaction protocol.
        after_parsing: rounds in which a parser's masks are corrected, where ``corrections`` is 0.
        photographs: of the val split, the first ones; None for all.
        standards: mIoU in percent at which Add. and Avg. are read; the paper's where it has one.
        working_size: longer side at which an exported network works.
        validate_every: validation during training, every so many steps.
        other_configs: files by kind of method, where ``configs`` do not fit.
    """

    name: str
    dataset: str
    configs: tuple[str, ...]
    steps: int
    seeds: int
    corrections: int = 20
    photographs: int | None = None
    standards: tuple[float, ...] = ()
    working_size: int = 512
    other_configs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    validate_every: int = 500
    after_parsing: int = 20

    def configs_of(self, kind: str) -> tuple[str, ...]:
        """The configuration files for a kind of method."""
        return self.other_configs.get(kind, self.configs)


def _parts(prefix: str) -> dict[str, tuple[str, ...]]:
    return {kind: (f"{CONFIGS}/{prefix}_{kind}.yaml",) for kind in ("ideeplab", "dextr")}


def _paper(dataset: str, file: str, steps: int, standard: float) -> Scale:
    configs = (f"{CONFIGS}/paper.yaml", f"{CONFIGS}/paper_{file}.yaml")
    return Scale(
        "full",
        dataset,
        configs,
        steps,
        seeds=1,
        standards=(standard,),
        validate_every=5000,
        other_configs=_parts("paper"),
    )


CCP = Scale(
    "ccp", "ccp-human18", (f"{CONFIGS}/ccp_paper.yaml",), steps=1200, seeds=2, standards=(36.0, 38.0, 40.0),
    working_size=256,
    other_configs={**_parts("ccp"), "live": (f"{CONFIGS}/ccp_live.yaml", f"{CONFIGS}/ccp_live_small.yaml")},
)  # fmt: skip
"""The method in small, on two processor cores within hours; its standards are within reach of so short a training."""

SMOKE = replace(CCP, name="smoke", steps=4, seeds=1, corrections=2, photographs=2, validate_every=4)
"""Minutes, on drawn figures; shows that everything runs and nothing else."""

FULL: tuple[Scale, ...] = (
    _paper("lip", "lip", 300_000, 85.0),
    _paper("cihp", "cihp", 300_000, 80.0),
    _paper("pascal-person-part", "pascal_person_part", 120_000, 80.0),
    _paper("helen", "helen", 120_000, 75.0),
)
"""The paper's data and schedule; days on several GPUs."""


PARSERS_CCP = Scale(
    "ccp", "ccp-atr", (f"{CONFIGS}/ccp_automatic.yaml",), steps=600, seeds=2, corrections=0, working_size=512,
    validate_every=300,
)  # fmt: skip
"""Automatic parsers in small; ATR's labels have the sides and the joints that RPR and SSL need."""

PARSERS_SMOKE = replace(
    PARSERS_CCP,
    name="smoke",
    dataset="ccp-human18",
    steps=4,
    seeds=1,
    photographs=2,
    working_size=256,
    validate_every=4,
    after_parsing=2,
)


def _automatic(dataset: str, file: str, steps: int) -> Scale:
    configs = (f"{CONFIGS}/paper_automatic.yaml", f"{CONFIGS}/paper_automatic_{file}.yaml")
    return Scale("full", dataset, configs, steps, seeds=1, corrections=0, validate_every=5000)


PARSERS_FULL: tuple[Scale, ...] = (
    _automatic("lip", "lip", 342_700),
    _automatic("atr", "atr", 150_700),
    _automatic("pascal-person-part", "pascal_person_part", 100_000),
)
"""180 epochs of LIP in batches of 16 and of ATR's 6,700 photographs in batches of 8, as RPR; SSL's 100,000 steps."""


def parser_scales(name: str) -> tuple[Scale, ...]:
    """The data sets of a scale for automatic parsers.

    Raises:
        ValueError: no such scale.
    """
    return _known({"ccp": (PARSERS_CCP,), "smoke": (PARSERS_SMOKE,), "full": PARSERS_FULL}, name)


def scales(name: str) -> tuple[Scale, ...]:
    """The data sets of a scale.

    Raises:
        ValueError: no such scale.
    """
    return _known({"ccp": (CCP,), "smoke": (SMOKE,), "full": FULL}, name)


def _known(known: Mapping[str, tuple[Scale, ...]], name: str) -> tuple[Scale, ...]:
    if name not in known:
        raise ValueError(f"scale: {name!r} is unknown; choose one of {', '.join(known)}")
    return known[name]
