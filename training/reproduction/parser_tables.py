"""The tables of RPR and SSL with our figures beside the printed ones, and a table of what today's best parsers do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from training.reproduction import parser_papers as published
from training.reproduction.methods import METHODS, MIRRORED, NOTHING, NOTHING_KNOWN, SCALED
from training.reproduction.results import Results, spread_text
from training.reproduction.tables import Table
from training.reproduction.targets import PARSER_TARGETS

Printed = Mapping[str, Sequence[float | None]]


def _compared(
    name: str, title: str, measures: Sequence[str], titles: Sequence[str], printed: Printed, paper: str
) -> Callable[[Results], Table]:
    """A table of a target's methods: each measure of ours, with the paper's beside it."""
    columns = ["method"]
    for shown in titles:
        columns += [shown, f"paper's {shown} ({paper})"]

    def table(results: Results) -> Table:
        rows = []
        for method, starts in PARSER_TARGETS[name]:
            for start in starts:
                cells = []
                for position, measure in enumerate(measures):
                    figure = printed.get(method, (None,) * len(measures))[position] if start == NOTHING else None
                    ours = spread_text(results.values(method, measure, start))
                    cells += [ours, "-" if figure is None else f"{figure:.2f}"]
                rows.append((METHODS[method].title + AVERAGED.get(start, ""), *cells))
        return Table(name, title, tuple(columns), tuple(rows))

    return table


AVERAGED = {MIRRORED: ", mirrored too", SCALED: ", mirrored, three scales"}
"""How the ways to parse a photograph several times are called."""


def _of_labels(name: str, title: str, measure: str) -> Callable[[Results], Table]:
    """A table of a measure of every label."""

    def table(results: Results) -> Table:
        measured = {method: results.seeds(method) for method, _ in PARSER_TARGETS[name]}
        measured = {method: seeds for method, seeds in measured.items() if seeds}
        labels = tuple(next(iter(measured.values()))[0]["labels"]) if measured else ()
        rows = []
        for method, seeds in measured.items():
            found = [[figures["labels"][label][measure] for figures in seeds] for label in labels]
            cells = (spread_text(values, 1) for values in found)
            rows.append((METHODS[method].title, *cells))
        return Table(name, title, ("method", *labels), tuple(rows))

    return table


def sizes(results: Results) -> Table:
    """Parameters and speed."""
    rows = []
    for method, _ in PARSER_TARGETS["rpr9"]:
        seeds = results.seeds(method)
        counts = [figures["parameters"]["without_norm_layers"] / 1e6 for figures in seeds]
        speeds = [figures["photographs_per_second"] for figures in seeds]
        printed = published.PARAMETERS.get(method), published.FRAMES_PER_SECOND.get(method)
        paper = ("-" if figure is None else f"{figure:.2f}" for figure in printed)
        # The fastest: the others tell what else the machine had to do.
        shown = (f"{counts[0]:.3f}" if counts else "-", spread_text(sorted(speeds)[-1:], 1))
        cells = [cell for pair in zip(shown, paper, strict=True) for cell in pair]
        rows.append((METHODS[method].title, *cells))
    columns = (
        "method",
        "million parameters, norm layers left out",
        "paper's million parameters",
        "photographs per second, on this machine",
        "paper's frames per second (GTX 1080 Ti)",
    )
    return Table("rpr9", "size and speed", columns, tuple(rows))


def structure(results: Results) -> Table:
    """SSL's tables: of LIP and of PASCAL-Person-Part, whichever the data set is nearer to."""
    of_limbs = results.scale.dataset == "pascal-person-part"
    printed = published.PASCAL_PERSON_PART if of_limbs else published.LIP
    paper = "PASCAL-Person-Part" if of_limbs else "LIP"
    title = "structure-sensitive learning: forms of the joint structure loss (%)"
    return _compared("ssl", title, published.LIP_MEASURES, published.LIP_TITLES, printed, paper)(results)


STARTS = {NOTHING: "its own parsing", NOTHING_KNOWN: "nothing, and no label known"}
"""What the packaged live network begins with; elsewhere it is a parser's masks."""

ROUNDS = (0, 1, 2, 5, 10, 20)


def begun_with(method: str, start: str) -> str:
    """What stands when the first click comes."""
    return STARTS.get(start) or f"masks of {METHODS[method].title}"


def clicks_saved(results: Results) -> Table:
    """How far the live network gets from a parser's masks, its own, and nothing."""
    rows = []
    for method, starts in PARSER_TARGETS["starts"]:
        for start in starts:
            cells = (spread_text(results.at(method, round_, start=start), 1) for round_ in ROUNDS)
            rows.append((begun_with(method, start), *cells))
    columns = ("the live network begins with", *(f"after {round_}" for round_ in ROUNDS))
    return Table("starts", "clicks that a parser saves: mIoU after corrections (%)", columns, tuple(rows))


def _atr(name: str, title: str, printed: Printed | None = None, paper: str = "ATR") -> Callable[[Results], Table]:
    given = published.ATR if printed is None else printed
    return _compared(name, f"{title} (%)", published.ATR_MEASURES, published.ATR_TITLES, given, paper)


PARSER_TABLES: dict[str, Callable[[Results], Table]] = {
    "rpr1": _atr("rpr1", "parsers without clicks", published.ATR_WITH_CHICTOPIA, "ATR and Chictopia10k"),
    "rpr2": _of_labels("rpr2", "F1 of every label (%)", "f1"),
    "rpr3": _compared(
        "rpr3", "parsers without clicks (%)", published.LIP_MEASURES, published.LIP_TITLES, published.LIP, "LIP"
    ),
    "rpr4": _of_labels("rpr4", "IoU of every label (%)", "iou"),
    "rpr5": _atr("rpr5", "which regions are refined"),
    "rpr6": _atr("rpr6", "mid fusion (Eq. 6) and late fusion (Eq. 5)"),
    "rpr7": _atr("rpr7", "weights of the regions' losses: equal, and those of Eq. 8"),
    "rpr8": _atr("rpr8", "parsers that are refined"),
    "rpr9": sizes,
    "ssl": structure,
    "today": _compared(
        "today",
        "what today's best parsers do, one by one (%)",
        ("pixel_accuracy", "f1_of_means", "mean_iou"),
        ("pixel accuracy", "F1", "mIoU"),
        {},
        "-",
    ),
    "starts": clicks_saved,
}
"""Tables by name; the papers' numbers of RPR's tables 5 to 9 are not known here, their order is."""
