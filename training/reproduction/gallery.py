"""What the methods make of a few photographs, clicks drawn: the pictures of the paper's Fig. 4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ihp_backend.clicks import Click
from ihp_backend.datasets import ParsingDataset, Sample
from ihp_backend.evaluation import Annotator, annotate
from ihp_backend.evaluation.click_parser import ClickParser
from ihp_backend.evaluation.drawing import Picture, draw_parsing
from training.evaluation_models import parser_maker
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
        model = method if METHODS[method].kind == "classical" else str(results.place.run(method, 0) / "model")
        if METHODS[method].kind != "classical" and not (Path(model) / "model.json").exists():
            continue
        with parser_maker(model, dataset.labels, obedient=False) as make_parser:
            parser = make_parser()
        drawn = [answers(parser, sample, index) for sample, index in zip(samples, PHOTOGRAPHS, strict=False)]
        for number, round_ in enumerate(ROUNDS):
            columns[f"{METHODS[method].title}: {round_}"] = [pictures[number] for pictures in drawn]
    if len(columns) == 1 + len(ROUNDS):
        return figure  # Nothing but the watershed is there yet.
    return Figure(figure.name, figure.title, _write(folder / "gallery.png", columns))


def answers(parser: ClickParser, sample: Sample, index: int) -> list[Picture]:
    """The parsings after the rounds shown, under the same annotator as in the measurements."""
    record = annotate(parser, sample, Annotator(corrections=max(ROUNDS)), 0, index)
    scene = parser.open(sample.image)
    pictures = []
    for last in ROUNDS:
        clicks = [
            Click(x, y, label, bool(sign)) for round_, x, y, label, sign in record.clicks.tolist() if round_ <= last
        ]
        pictures.append(draw_parsing(sample.image, parser.parse(scene, clicks).label_map, parser.labels, clicks))
    return pictures


def _write(path: Path, columns: Mapping[str, Sequence[Picture]]) -> Path:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = len(next(iter(columns.values())))
    figure, axes = pyplot.subplots(rows, len(columns), figsize=(1.5 * len(columns), 3.6 * rows), squeeze=False)
    for column, (title, pictures) in enumerate(columns.items()):
        axes[0, column].set_title(title, fontsize=7)
        for row, picture in enumerate(pictures):
            axes[row, column].imshow(picture)
            axes[row, column].axis("off")
    figure.tight_layout(pad=0.3)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
    return path
