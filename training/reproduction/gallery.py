"""Gallery of the methods' parsings of a few photographs, with the clicks, as in the paper's Fig. 4."""

from __future__ import annotations

from pathlib import Path

from ihp_backend.datasets import ParsingDataset
from ihp_backend.evaluation import Annotator
from ihp_backend.evaluation.drawing import Picture, draw_parsing
from training.evaluation_models import parser_maker
from training.picture_sheet import answers, write_sheet
from training.reproduction.figures import Figure
from training.reproduction.methods import METHODS
from training.reproduction.results import Results

SHOWN = ("watershed", "central", "random-sp")
ROUNDS = (0, 5, 20)
PHOTOGRAPHS = (0, 50, 100)
"""Three of the val split, spread over it and chosen before anything was seen."""


def gallery(results: Results, folder: Path, dataset: ParsingDataset) -> Figure:
    """Draws the first seed's model of every shown method that is there."""
    figure = Figure("gallery", f"the truth, and the parsing after {', '.join(map(str, ROUNDS))} corrections", None)
    samples = [dataset[index] for index in PHOTOGRAPHS if index < len(dataset)]
    columns: dict[str, list[Picture]] = {
        "truth": [draw_parsing(sample.image, sample.parsing, dataset.labels) for sample in samples]
    }
    for method in SHOWN:
        model = method if METHODS[method].kind == "classical" else str(results.folders.run(method, 0) / "model")
        if METHODS[method].kind != "classical" and not (Path(model) / "model.json").exists():
            continue
        with parser_maker(model, dataset.labels, enforce_clicks=False) as make_parser:
            parser = make_parser()
        drawn = [
            answers(parser, sample, index, Annotator(corrections=max(ROUNDS)), ROUNDS)
            for sample, index in zip(samples, PHOTOGRAPHS, strict=False)
        ]
        for number, round_ in enumerate(ROUNDS):
            columns[f"{METHODS[method].title}: {round_}"] = [pictures[number] for pictures in drawn]
    if len(columns) == 1 + len(ROUNDS):
        return figure  # Nothing but the watershed is there yet.
    return Figure(figure.name, figure.title, write_sheet(folder / "gallery.png", columns))
