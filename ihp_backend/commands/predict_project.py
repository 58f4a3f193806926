"""`ihp predict-project`: pre-annotations for all tasks of a project that have none of the serving version."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ihp_backend.commands.shared import INTERRUPTED, DataDir, Where, address_and_number, counted, told

if TYPE_CHECKING:
    from ihp_backend.label_studio.api.prediction_api import PredictionApi
    from ihp_backend.label_studio.predict.project_predictions import Outcome


def predict_project(
    where: Where,
    data_dir: DataDir = None,
    model: Annotated[str | None, typer.Option(help="Model folder or packaged model's name, as for ihp serve.")] = None,
    engine: Annotated[str | None, typer.Option(help="onnx or torch, as for ihp serve.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Stop after so many tasks.")] = None,
    parallel: Annotated[int, typer.Option(min=1, max=64, help="Tasks in work at a time.")] = 4,
    annotated: Annotated[
        bool,
        typer.Option(
            "--all-tasks/--unlabelled",
            help="Annotated tasks, too; by default the others only.",
        ),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what there is to do.")] = False,
) -> None:
    """Pre-annotate the tasks of a project without annotation and without prediction of the version in service.

    Can be interrupted and run again at any time: it goes on with what is missing. Nothing is deleted. The token is
    LABEL_STUDIO_API_KEY.
    """
    from ihp_backend.label_studio.api.client import ApiError, LabelStudio
    from ihp_backend.label_studio.api.prediction_api import PredictionApi
    from ihp_backend.label_studio.backend_settings import BackendSettings, SettingsError
    from ihp_backend.label_studio.config.translation import translate
    from ihp_backend.label_studio.predict.model_cache import OneModel
    from ihp_backend.label_studio.predict.parser_requests import usable_config
    from ihp_backend.label_studio.predict.prediction_request import PredictionRequest
    from ihp_backend.label_studio.predict.predictions import Predictions
    from ihp_backend.label_studio.predict.project_predictions import how_to_show, predict_tasks
    from ihp_backend.label_studio.predict.shared_backend import open_model_cache
    from ihp_backend.label_studio.problems import RequestError
    from ihp_backend.label_studio.web.images import ImageSource
    from ihp_backend.parsing.checkpoint import CheckpointError
    from ihp_backend.storage.storage_error import StorageError

    url, number = address_and_number(where)
    stopped = Event()
    with told(ApiError, RequestError, SettingsError, StorageError, CheckpointError):
        settings = BackendSettings.from_environment(data_dir=data_dir, model=model, engine=engine, label_studio_url=url)
        client = LabelStudio(settings.images, stopped)
        api, record = PredictionApi(client), client.project(number)
        request = PredictionRequest(number, record.get("label_config"), many=True)
        config, parser = usable_config(request.label_config), open_model_cache(settings).of_project(number)
        lacking = translate(config, parser.labels, any_labels=parser.any_labels).lacking(config.labels, parser.labels)
        if lacking is not None:
            typer.echo(f"ihp: {RequestError(lacking)}", err=True)
        missing = _missing(api, number, parser.version, annotated)
        failed = 0
        if missing and not dry_run:
            predictions = Predictions(OneModel(parser), ImageSource(settings.images))
            outcomes = predict_tasks(api, predictions, missing[:limit], request, parallel, stopped)
            failed = _follow(outcomes, len(missing[:limit]))
        if advice := how_to_show(record, client.backends(number), parser.version):
            typer.echo(advice)
    if failed:
        raise typer.Exit(1)


def _missing(api: PredictionApi, project: str, version: str, annotated: bool) -> list[dict[str, Any]]:
    """The tasks without a prediction of the version.

    Args:
        annotated: those that have an annotation, too.
    """
    from rich.console import Console

    total, done, missing = 0, 0, []
    with Console(stderr=True).status("listing the tasks"):
        # All of them first: a list read page by page while it changes leaves tasks out.
        for task, has in api.tasks(project, version):
            total += 1
            if task.pop("annotated") and not annotated:
                done += 1
            elif not has:
                missing.append(task)
    left_out = f"; {done} annotated ones are left out, --all-tasks takes them in" if done else ""
    typer.echo(f"project {project}: {len(missing)} of {total} tasks have no prediction of {version}{left_out}")
    return missing


def _follow(outcomes: Generator[Outcome, None, None], total: int) -> int:
    """Shows how far it is, then what failed or is incomplete; the number of those tasks."""
    from ihp_backend.label_studio.problems import RequestError

    done, failures, incomplete, texts = 0, 0, 0, []
    try:
        with closing(outcomes), counted("predicting", total) as count:
            for outcome in outcomes:
                done += 1
                failures += outcome.failure is not None
                incomplete += bool(outcome.lost)
                if outcome.failure is not None:
                    texts.append(f"task {outcome.task}: {RequestError(outcome.failure)}")
                texts += [f"task {outcome.task}: posted without {RequestError(lost)}" for lost in outcome.lost]
                count()
    except KeyboardInterrupt:
        typer.echo("ihp: interrupted; the same command goes on with what is missing", err=True)
        raise typer.Exit(INTERRUPTED) from None
    finally:
        partly = f", {incomplete} of them without all photographs of their task" if incomplete else ""
        typer.echo(f"{done - failures} predictions posted{partly}, {failures} tasks failed")
        for text in texts:
            typer.echo(text, err=True)
    return failures + incomplete
