"""Annotator: how the simulated annotator of the interaction protocol clicks (IHP, IV-A and IV-B), and how badly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ihp_backend.clicks import (
    Click,
    central_clicks,
    correction_click,
    jittered,
    off_centre_clicks,
    with_wrong_label,
)

LabelMap = NDArray[np.uint8]

STARTS = ("central", "nothing")


@dataclass(frozen=True)
class Annotator:
    """Settings of the simulated annotator: how it clicks.

    Attributes:
        corrections: rounds after the initial clicks.
        minimum_area: components smaller than this many pixels get no initial click.
        candidates: random pixels of a region among which the most central one is clicked (the paper's N_c).
        background_margin: pixels that the background's initial click keeps from every part, where there is room.
        start: "central", a click per component and one on the background; or "nothing", where the photograph alone
            makes the first parsing (the RGB-only start of IHP, Fig. 7).
        off_centre: clicks anywhere in a region and not towards its middle; ``candidates`` and ``background_margin``
            have no say then.
        jitter: pixels by which the hand misses at most, in any direction.
        last_answer: whether the model is given its last answer as the parsing so far.
        wrong_click: round whose correction gets a wrong label and stays; None for never.

    Raises:
        ValueError: a field out of its range.
    """

    corrections: int = 20
    minimum_area: int = 60
    candidates: int = 5
    background_margin: int = 10
    start: str = "central"
    off_centre: bool = False
    jitter: int = 0
    last_answer: bool = True
    wrong_click: int | None = None

    def __post_init__(self) -> None:
        if self.start not in STARTS:
            raise ValueError(f"start: {self.start!r} is unknown; choose one of {', '.join(STARTS)}")
        least = {"corrections": 0, "minimum_area": 0, "candidates": 1, "background_margin": 0, "jitter": 0}
        for name, lowest in least.items():
            if getattr(self, name) < lowest:
                raise ValueError(f"{name}: {getattr(self, name)} given; at least {lowest} needed")
        if self.wrong_click is not None and not 1 <= self.wrong_click <= self.corrections:
            raise ValueError(
                f"wrong_click: round {self.wrong_click} given; choose one of the rounds 1 to {self.corrections}"
            )

    def initial_clicks(self, parsing: LabelMap, rng: np.random.Generator, hand: np.random.Generator) -> list[Click]:
        """The clicks of round 0.

        Args:
            parsing: uint8 (height, width), the truth.
            rng: where the annotator aims.
            hand: how the hand misses; apart from ``rng``, so that a steady and an unsteady hand aim alike.
        """
        if self.start == "nothing":
            return []
        if self.off_centre:
            clicks = off_centre_clicks(parsing, rng, minimum_area=self.minimum_area)
        else:
            clicks = central_clicks(
                parsing,
                rng,
                candidates=self.candidates,
                minimum_area=self.minimum_area,
                background_margin=self.background_margin,
            )
        return self._missed(clicks, hand, parsing)

    def correction(
        self,
        parsing: LabelMap,
        label_map: LabelMap,
        rng: np.random.Generator,
        hand: np.random.Generator,
        clicks: Sequence[Click],
    ) -> Click | None:
        """The next click in answer to ``label_map``, with its true label; None when nothing is left to correct."""
        click = correction_click(
            parsing,
            label_map,
            rng,
            candidates=1 if self.off_centre else self.candidates,
            clicked={(click.x, click.y) for click in clicks},
        )
        return None if click is None else self._missed([click], hand, parsing)[0]

    def mislabelled(self, click: Click, hand: np.random.Generator, num_labels: int) -> Click:
        """``click`` with another label than its own."""
        return with_wrong_label([click], hand, 1.0, num_labels)[0]

    def with_wrong_click(self, round_: int, rounds_after: int) -> Annotator:
        """This annotator, but with a wrong click in ``round_`` and an end at most ``rounds_after`` rounds later."""
        return replace(self, wrong_click=round_, corrections=min(self.corrections, round_ + rounds_after))

    def _missed(self, clicks: list[Click], hand: np.random.Generator, parsing: LabelMap) -> list[Click]:
        return jittered(clicks, hand, self.jitter, *parsing.shape) if self.jitter else clicks
