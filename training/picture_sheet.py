"""Sheets of parsings: a row per photograph, a column per model and number of corrections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ihp_backend.clicks import Click
from ihp_backend.datasets import Sample
from ihp_backend.evaluation import Annotator, annotate
from ihp_backend.evaluation.click_parser import ClickParser
from ihp_backend.evaluation.drawing import Picture, draw_parsing
from ihp_backend.evaluation.protocol import ServedParser
from ihp_backend.parsing import Parser


def answers(
    parser: ClickParser, sample: Sample, index: int, annotator: Annotator, rounds: Sequence[int], seed: int = 0
) -> list[Picture]:
    """The parsings after some rounds with clicks and windows on them, as a measurement under this annotator has them.

    Args:
        parser: what is shown.
        sample: the photograph.
        index: its number in the data set, on which the clicks depend.
        annotator: how it clicks.
        rounds: ascending, at most the annotator's corrections.
        seed: of the annotator.
    """
    record = annotate(parser, sample, annotator, seed, index)
    scene, pictures = parser.open(sample.image), []
    served = ServedParser(parser, scene, last_answer=annotator.last_answer)
    for last in range(rounds[-1] + 1):
        clicks = [
            Click(x, y, label, bool(sign)) for round_, x, y, label, sign in record.clicks.tolist() if round_ <= last
        ]
        label_map = served.answer(clicks)
        if last in rounds:
            windows = parser.windows(scene, clicks) if isinstance(parser, Parser) else []
            pictures.append(draw_parsing(sample.image, label_map, parser.labels, clicks, windows))
    return pictures


def write_sheet(path: Path, columns: Mapping[str, Sequence[Picture]], rows: Sequence[str] = ()) -> Path:
    """Writes a picture of pictures.

    Args:
        path: of the file; its ending says the format.
        columns: title to pictures from top to bottom, as many in each.
        rows: what stands to the left of each row.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    count = len(next(iter(columns.values())))
    figure, axes = pyplot.subplots(count, len(columns), figsize=(1.5 * len(columns), 3.6 * count), squeeze=False)
    for column, (title, pictures) in enumerate(columns.items()):
        axes[0, column].set_title(title, fontsize=7)
        for row, picture in enumerate(pictures):
            axes[row, column].imshow(picture)
            axes[row, column].set(xticks=[], yticks=[], frame_on=False)
    for row, text in enumerate(rows):
        axes[row, 0].set_ylabel(text, fontsize=7)
    figure.tight_layout(pad=0.3)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
    return path
