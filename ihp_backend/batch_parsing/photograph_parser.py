"""PhotographParser: a photograph in, its parsing in the labels of a labelling config and its prediction out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ihp_backend.clicks import Click
from ihp_backend.label_studio.config.translation import translate
from ihp_backend.label_studio.masks.regions import Place, regions
from ihp_backend.label_studio.predict.parser_requests import ask, mask_targets, usable_config
from ihp_backend.label_studio.predict.prediction_items import item_of
from ihp_backend.label_studio.problems import Problem, RequestError, problem
from ihp_backend.labels import match_labels
from ihp_backend.parsing.despeckle import despeckle
from ihp_backend.parsing.parser import Parser
from ihp_backend.parsing.photograph import Photograph


@dataclass(frozen=True)
class Parsed:
    """The parsing of a photograph.

    Attributes:
        label_map: uint8 (height, width), ids of the parser's labels.
        scores: id -> mean confidence over the label's pixels, 0..1.
        clicks: that it was made with.
    """

    label_map: NDArray[np.uint8]
    scores: Mapping[int, float]
    clicks: Sequence[Click] = ()


class PhotographParser:
    """A model that parses photographs in the labels of a labelling config, as pre-annotations of its projects are made.

    Args:
        parser: the model.
        config: the labelling config's XML.

    Attributes:
        labels: the config's, the background first and in the model's colour of it.
        version: of the model.
        config: as given.

    Raises:
        RequestError: the config cannot be used, or tasks of one photograph do not suffice for it.
    """

    def __init__(self, parser: Parser, config: str) -> None:
        self._parser, self.version, self.config = parser, parser.version, config
        self._config = usable_config(config)
        if self._config.from_task:
            remedy = "write them into the config, or import the photographs and run `ihp predict-project`"
            raise RequestError(problem("config", f"tags or labels from {', '.join(self._config.from_task)}", remedy))
        if len(self._config.images) > 1:
            names = ", ".join(image.name for image in self._config.images)
            raise RequestError(problem("config", f"<Image> tags {names}", "leave one, as each photograph is a task"))
        (self._image,) = self._config.images
        if not re.fullmatch(r"\w+", self._image.data_key or ""):
            remedy = 'write value="$image", so that the address of the photograph is all that a task needs'
            raise RequestError(problem("config", f"<Image> with {self._image.value}", remedy))
        self._translation = translate(self._config, parser.labels, any_labels=parser.any_labels)
        labels = self._translation.labels
        self.labels = replace(labels, colours=(parser.labels.colours[0], *labels.colours[1:]))

    def settings(self) -> dict[str, str]:
        """What its parsings and predictions depend on besides photographs and clicks."""
        return {
            "model_version": self.version,
            "labels": ", ".join(self.labels.names),
            "labelling_config": hashlib.sha256(self.config.encode()).hexdigest()[:12],
        }

    def problems(self) -> Iterator[Problem]:
        """What the config asks for and the model does not find."""
        yield from self._config.problems
        yield from self._translation.problems(self._parser.labels)
        if unknown := self._translation.mapping.unknown:
            known = ", ".join(self._parser.labels.names)
            remedy = f"they are missing in the results, since the model does not know them; it knows {known}"
            yield problem("labels", ", ".join(unknown), remedy)

    def parse(self, photograph: Photograph, clicks: Sequence[str] = ()) -> Parsed:
        """The parsing of a photograph.

        Args:
            photograph: decoded.
            clicks: as ``x,y,label`` or ``x,y,label,negative`` in its pixels, oldest first.

        Raises:
            ValueError: a text that is no click on this photograph.
            AnswerError: the network's answer holds no numbers.
        """
        height, width = photograph.pixels.shape[:2]
        made = [self._click(text, height, width) for text in clicks]
        spoken = [replace(click, label=self._spoken_id(click.label)) for click in made]
        scene = self._parser.open(photograph.pixels)
        label_map, scores, _ = ask(self._parser, self._translation, scene, spoken)
        despeckle(label_map, made)
        return Parsed(label_map, scores, made)

    def _spoken_id(self, label: int) -> int:
        name = self.labels.names[label]
        if (spoken := self._translation.spoken_ids.get(name)) is None:
            raise ValueError(f"click: label {name!r} is unknown to the model; use one that takes any, such as ccp-live")
        return spoken

    def _click(self, text: str, height: int, width: int) -> Click:
        """A click; its label may be spelled as in any labelling config."""
        parts = [part.strip() for part in text.split(",")]
        if len(parts) not in (3, 4) or parts[3:] not in ([], ["negative"], ["positive"]):
            raise ValueError(f"click: {text!r} is no click; write x,y,label or x,y,label,negative")
        try:
            x, y = int(parts[0]), int(parts[1])
        except ValueError:
            raise ValueError(
                f"click: {text!r} has no whole numbers for x and y; write for example 120,80,face"
            ) from None
        if not (0 <= x < width and 0 <= y < height):
            raise ValueError(f"click: {text!r} is outside the photograph of {width} x {height} pixels")
        match = match_labels([parts[2]], self.labels)
        if match.unmatched:
            raise ValueError(f"click: label {parts[2]!r} is unknown; choose one of {', '.join(self.labels.names)}")
        return Click(x, y, match.ids[parts[2]], positive=parts[3:] != ["negative"])

    def prediction(self, parsed: Parsed, name: str) -> dict[str, Any]:
        """The prediction that Label Studio stores: model_version, score and result.

        Args:
            parsed: the photograph's parsing.
            name: the photograph's, by which the ids of its regions differ from those of others.
        """
        names = [label for label in self.labels.names[1:] if self._config.mask_target(label)]
        targets, _ = mask_targets(names, self._config, self._translation, self._image)
        place = Place("", name, page=0 if self._image.several else None)
        return item_of(self.version, regions(parsed.label_map, targets, parsed.scores, place), [])

    def task(self, address: str, prediction: Mapping[str, Any]) -> dict[str, Any]:
        """A task to import into Label Studio: the photograph at that address, and its prediction."""
        data = {str(self._image.data_key): [address] if self._image.several else address}
        return {"data": data, "predictions": [prediction]}
