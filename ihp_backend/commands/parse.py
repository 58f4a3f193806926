"""`ihp parse`: photographs on disk to label maps, overlays, JSON and predictions for Label Studio."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ihp_backend.commands.config import own_labels
from ihp_backend.commands.shared import INTERRUPTED, counted, failure, told

if TYPE_CHECKING:
    from ihp_backend.batch_parsing.named_photographs import NamedPhotograph
    from ihp_backend.batch_parsing.photograph_parser import PhotographParser
    from ihp_backend.batch_parsing.results_folder import ResultsFolder
    from ihp_backend.parsing import Parser

_WRITE = "mask,overlay,json"


def parse(
    photographs: Annotated[list[str], typer.Argument(help="Files, folders with all that is in them, globs.")],
    out: Annotated[Path, typer.Option(help="Folder for results. For a single photograph also a .png: its label map.")],
    write: Annotated[
        str | None,
        typer.Option(
            help="What to write into the folder: some of mask, overlay, json, label-studio, separated by commas.",
            show_default=_WRITE,
        ),
    ] = None,
    click: Annotated[
        list[str] | None,
        typer.Option(help="x,y,label or x,y,label,negative in pixels of a single photograph; once per click."),
    ] = None,
    labels: Annotated[
        str | None, typer.Option(help="Your own labels, separated by commas; those of the model by default.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Labelling config (XML) of a project: its labels and its form of masks.")
    ] = None,
    image_root: Annotated[
        str,
        typer.Option(help="Where Label Studio finds the photographs: what goes before their names in addresses."),
    ] = "/data/local-files/?d=",
    model: Annotated[str | None, typer.Option(help="Model folder or packaged model's name, as for ihp serve.")] = None,
    engine: Annotated[str, typer.Option(help="onnx or torch, as for ihp serve.")] = "onnx",
    parallel: Annotated[int, typer.Option(min=1, max=64, help="Photographs in work at a time.")] = 4,
    again: Annotated[bool, typer.Option("--again", help="Also photographs whose results are there.")] = False,
) -> None:
    """Parse photographs, with the masks that a pre-annotation has.

    Can be interrupted and run again at any time: it goes on with photographs whose results are missing or outdated.
    """
    from ihp_backend.batch_parsing.named_photographs import NamesError, find_photographs
    from ihp_backend.batch_parsing.photograph_parser import PhotographParser
    from ihp_backend.batch_parsing.results_folder import ResultsError, ResultsFolder
    from ihp_backend.label_studio.problems import RequestError
    from ihp_backend.parsing import Parser

    single = _is_label_map(out)
    kinds = _kinds(write)
    with told(NamesError):
        named = find_photographs(photographs, out)
    several = len(named.photographs) > 1
    if several and single:
        raise failure(f"out: {out} takes one label map, there are {len(named.photographs)} photographs; give a folder")
    if single and out.exists() and named.photographs[0].path.samefile(out):
        raise failure(f"out: {out} is the photograph itself, and would be lost; give another file")
    if several and click:
        raise failure(f"click: {click[0]!r} is for one photograph, not for {len(named.photographs)}; give one alone")
    if single and write is not None:
        raise failure(f"write: {write!r} needs a folder and --out {out} is a label map; give one of the two")
    with told(ValueError):
        loaded = Parser.from_pretrained(model, engine=engine)
        parser = PhotographParser(loaded, _config(config, labels, loaded))
    for problem in parser.problems():
        typer.echo(f"ihp: {RequestError(problem)}", err=True)
    if single:
        _label_map(parser, named.photographs[0], click or [], out)
        return
    results = ResultsFolder(out, kinds, parser)
    try:
        settings = {"photographs": str(named.base), **parser.settings(), "clicks": " ".join(click or [])}
        with told(ResultsError):
            results.begin(settings, again=again)
        for ending, number in sorted(named.left_out.items()):
            typer.echo(f"ihp: photographs: {number} x {ending} left out; convert those that are to be parsed", err=True)
        complete = _batch(parser, named.photographs, results, click or [], parallel)
        if "label-studio" in kinds:
            done = list(filter(results.is_done, named.photographs))
            file = results.write_label_studio(done, image_root)
            typer.echo(f"{file}: {len(done)} tasks to import, {file.stat().st_size / 1e6:.1f} MB")
    except OSError as error:
        raise failure(
            f"out: {out} cannot be written to ({error}); once it can be, the same command goes on with what is missing"
        ) from None
    if not complete:
        raise typer.Exit(1)


def _is_label_map(out: Path) -> bool:
    """Whether the results are one label map; fails as a command does if they are to be another picture."""
    from ihp_backend.batch_parsing.named_photographs import is_photograph

    if out.is_dir() or not is_photograph(out.name):
        return False
    if out.suffix.lower() != ".png":
        raise failure(
            f"out: {out} does not end in .png; label maps are written as PNG only, since JPEG, say, would change labels"
        )
    return True


def _kinds(write: str | None) -> list[str]:
    from ihp_backend.batch_parsing.results_folder import KINDS

    kinds = [kind.strip() for kind in (_WRITE if write is None else write).split(",")]
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise failure(f"write: {unknown[0]!r} is unknown; choose some of {', '.join(KINDS)}, separated by commas")
    return kinds


def _config(config: Path | None, labels: str | None, parser: Parser) -> str:
    """The labelling config in whose labels is parsed; fails as a command does."""
    from ihp_backend.datasets.text_files import read_text
    from ihp_backend.label_studio.config.config_writer import labelling_config
    from ihp_backend.labels import map_labels

    if config is not None:
        if labels is not None:
            raise failure(f"labels, config: both are given; {config} has labels, so leave out --labels")
        try:
            return read_text(config)[0]
        except ValueError as error:
            raise failure(f"config: {error}") from None
    if labels is None:
        return labelling_config(parser.labels)
    own = own_labels(labels)
    ids = map_labels(own.names, parser.labels).ids
    colours = [
        parser.labels.colours[ids[name][0]] if name in ids else colour
        for name, colour in zip(own.names, own.colours, strict=True)
    ]
    return labelling_config(replace(own, colours=tuple(colours)))


def _label_map(parser: PhotographParser, named: NamedPhotograph, clicks: Sequence[str], out: Path) -> None:
    """Parses a single photograph into a single file; fails as a command does."""
    from ihp_backend.datasets.writing import write_mask
    from ihp_backend.parsing.photograph import read_photograph

    try:
        photograph = read_photograph(named.path.read_bytes())
        for note in photograph.notes:
            typer.echo(f"ihp: photographs: {named.path}: {note}", err=True)
        label_map = parser.parse(photograph, clicks).label_map
    except OSError as error:
        raise failure(
            f"photographs: {named.path} cannot be read ({error.strerror}); check the file and its rights"
        ) from None
    except ValueError as error:
        raise failure(f"photographs: {named.path}: {error}") from None
    try:
        write_mask(out, label_map, parser.labels)
    except (OSError, ValueError) as error:
        raise failure(
            f"out: {out} cannot be written ({error}); give a path in a folder that can be written to"
        ) from None
    height, width = label_map.shape
    found = [name for label, name in enumerate(parser.labels.names) if label and (label_map == label).any()]
    typer.echo(f"{out}: {width} x {height} pixels, {', '.join(found) or 'background only'}")


def _batch(
    parser: PhotographParser,
    photographs: Sequence[NamedPhotograph],
    results: ResultsFolder,
    clicks: Sequence[str],
    parallel: int,
) -> bool:
    """Parses what is not done yet, shows how far it is, then what failed; whether nothing is wrong with any of them."""
    from ihp_backend.batch_parsing.parse_photographs import parse_photographs

    missing = [photograph for photograph in photographs if not results.is_done(photograph)]
    texts = list[str]()
    outcomes = parse_photographs(parser, missing, results, clicks, parallel)
    try:
        with closing(outcomes), counted("parsing", len(missing)) as count:
            for outcome in outcomes:
                wrong = [outcome.failure] if outcome.failure else [f"parsed, but {note}" for note in outcome.notes]
                texts += [f"ihp: {outcome.photograph.path}: {text}" for text in wrong]
                count()
    except KeyboardInterrupt:
        typer.echo("ihp: interrupted; the same command goes on with what is missing", err=True)
        raise typer.Exit(INTERRUPTED) from None
    finally:
        done = sum(map(results.is_done, photographs))
        before = len(photographs) - len(missing)
        typer.echo(f"{results.folder}: {done} of {len(photographs)} photographs are done, {before} of them before")
        for text in sorted(texts):
            typer.echo(text, err=True)
    return not texts
