"""PreAnnotated: a live network at tasks on which the masks of an automatic parser stand already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ihp_backend.clicks import Click
from ihp_backend.evaluation.click_parser import ClickParser, check_labels
from ihp_backend.label_studio.masks.drawn_work import keep_drawn
from ihp_backend.labels import IGNORE
from ihp_backend.parsing import Parse
from ihp_backend.parsing.last_answer import LastAnswer


class PreAnnotated:
    """A click parser whose photographs come with an automatic parser's masks, as imported pre-annotations do.

    The masks are the answer until the first click. From then on they are what drawn regions are to a click: the live
    network's parsing so far, and what stays where no label that is clicked takes it.

    Args:
        live: answers clicks; takes a parsing so far.
        automatic: parses without clicks.

    Raises:
        ValueError: they speak different labels.
    """

    def __init__(self, live: ClickParser, automatic: ClickParser) -> None:
        check_labels(automatic.labels, live.labels)
        self._live, self._automatic = live, automatic
        self.labels = live.labels
        self.version = f"{live.version}, pre-annotated by {automatic.version}"
        self.enforce_clicks = getattr(live, "enforce_clicks", None)
        self.unfiltered = getattr(live, "unfiltered", None)

    def open(self, image: NDArray[np.uint8]) -> tuple[Any, Parse]:
        """The live network's scene, and the masks."""
        return self._live.open(image), self._automatic.parse(self._automatic.open(image), ())

    def parse(
        self,
        scene: tuple[Any, Parse],
        clicks: Sequence[Click],
        previous: NDArray[np.uint8] | None = None,
        last: LastAnswer | None = None,
    ) -> Parse:
        """The masks, corrected by the clicks; ``previous`` is what the masks are, and not taken."""
        opened, masks = scene
        if not clicks:
            return masks
        drawn = np.where(masks.label_map == 0, np.uint8(IGNORE), masks.label_map)  # Nobody draws the background.
        parse = self._live.parse(opened, clicks, drawn, last)
        label_map = parse.label_map.copy()
        keep_drawn(label_map, drawn, clicks, {click.label for click in clicks})
        return replace(parse, label_map=label_map)


def pre_annotated(live: Callable[[], ClickParser], automatic: Callable[[], ClickParser]) -> PreAnnotated:
    """Both made, in whatever process."""
    return PreAnnotated(live(), automatic())
