"""`ihp labels`: which of the model's labels become which of a project's, shown and set."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ihp_backend.commands.shared import DataDir, Where, address_and_number, failure, told

if TYPE_CHECKING:
    from ihp_backend.labels import LabelSet

_HOW = {
    "name": "same name",
    "spelling": "spelled otherwise",
    "synonym": "another word",
    "kind": "a kind of it",
    "alias": "its alias",
    "parts": "its parts",
    "predicted_values": "predicted_values",
}


def labels(
    where: Where,
    change: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="LABEL=NAMES",
            help="Which of the model's labels become a label, separated by commas; none: its name decides again; "
            "'background': the model does not know it. Once per label.",
            show_default=False,
        ),
    ] = None,
    data_dir: DataDir = None,
    model: Annotated[str | None, typer.Option(help="Model folder or packaged model's name, as for ihp serve.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the mapping as JSON.")] = False,
) -> None:
    """Show which labels of the model become which of a project's labels; with --set, change it.

    It is kept in the project's labelling config, as predicted_values of its <Label> tags. The token is
    LABEL_STUDIO_API_KEY.
    """
    from ihp_backend.label_studio.api.client import ApiError, LabelStudio
    from ihp_backend.label_studio.backend_settings import BackendSettings, SettingsError
    from ihp_backend.label_studio.config.labelling_config import parse_labelling_config
    from ihp_backend.label_studio.config.translation import translate
    from ihp_backend.label_studio.predict.shared_backend import open_model_cache
    from ihp_backend.label_studio.problems import RequestError
    from ihp_backend.parsing.checkpoint import CheckpointError
    from ihp_backend.storage.storage_error import StorageError

    url, number = address_and_number(where)
    with told(ApiError, RequestError, SettingsError, StorageError, CheckpointError):
        settings = BackendSettings.from_environment(data_dir=data_dir, model=model, label_studio_url=url)
        client, parser = LabelStudio(settings.images), open_model_cache(settings).of_project(number)
        text = client.project(number)["label_config"]
        if change:
            text = _changed(text, [_read_change(one, parser.labels) for one in change])
            client.change("PATCH", f"/api/projects/{int(number)}/", {"label_config": text})
        mapping = translate(parse_labelling_config(text), parser.labels, any_labels=parser.any_labels)
    answer = mapping.told(parser.labels)
    if as_json:
        typer.echo(json.dumps({"model_version": parser.version, **answer}, indent=1, ensure_ascii=False))
    else:
        _show(answer, parser.version, parser.labels)


def _read_change(text: str, known: LabelSet) -> tuple[str, str]:
    """A label and its new ``predicted_values``; fails as a command does."""
    from ihp_backend.labels import map_labels

    label, equals, names = (part.strip() for part in text.partition("="))
    if not equals or not label:
        raise failure(f"set: {text!r} says nothing; write LABEL=NAMES, for example 'shoes=left shoe, right shoe'")
    given = [name.strip() for name in names.split(",") if name.strip()]
    if given and (missing := map_labels([label], known, {label: given}).not_found):
        lacking = ", ".join(map(repr, missing[label]))
        raise failure(f"set: the model has no {lacking} for {label!r}; it knows {', '.join(known.names)}")
    return label, ", ".join(given)


def _changed(text: str, changes: Sequence[tuple[str, str]]) -> str:
    """A labelling config with other ``predicted_values``; fails as a command does."""
    from ihp_backend.label_studio.config.config_tags import is_tag, lower_names, value_of
    from ihp_backend.label_studio.config.config_text import elements, set_attributes

    edits: dict[int, dict[str, str]] = {}
    tags = [(n, one) for n, one in enumerate(elements(text)) if is_tag(one) and one.tag.lower() == "label"]
    values = {n: value_of(element, lower_names(element.attrib)) for n, element in tags}
    for label, names in changes:
        numbers = [n for n, value in values.items() if value == label]
        if not numbers:
            known = ", ".join(dict.fromkeys(values.values())) or "none"
            raise failure(f"set: the labelling config has no <Label> {label!r}; it has {known}")
        edits |= {n: {"predicted_values": names} for n in numbers}
    edited = set_attributes(text, edits)
    if edited is None:
        raise failure(
            "set: the labelling config cannot be edited; write predicted_values into its <Label> tags yourself"
        )
    return edited


def _show(answer: Mapping[str, Any], version: str, known: LabelSet) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("label", "labels of the model", "found by", title=f"served by {version}", title_justify="left")
    for label, names in answer["matched"].items():
        table.add_row(label, ", ".join(names), _HOW[answer["origins"][label]])
    for label, reason in answer["unmatched"].items():
        table.add_row(label, "none", reason)
    console = Console()
    console.print(table)
    if answer["unused"]:
        unused = ", ".join(answer["unused"])
        if answer["unmatched"] and answer["any_labels"]:
            remedy = f'ihp labels PROJECT --set "background={unused}" keeps them so'
            until = "until a label is clicked that is new to it, and then taken for one of yours"
            console.print(f"background to it {until}: {unused}; {remedy}", markup=False)
        else:
            console.print(f"background to it: {unused}", markup=False)
    for label, names in answer["not_found"].items():
        lacking = f"predicted_values of {label!r} name {', '.join(map(repr, names))}"
        console.print(f"{lacking}, which the model does not have; it knows {', '.join(known.names)}", markup=False)
    if answer["unmatched"]:
        learns = "clicks decide for what the model does not know" if answer["any_labels"] else "the model lacks them"
        console.print(f"{', '.join(answer['unmatched'])}: {learns}", markup=False)
