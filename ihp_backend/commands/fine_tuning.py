"""`ihp train`, `ihp train-status` and `ihp worker`: fine-tuning jobs, now or by themselves."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ihp_backend.commands.shared import DataDir, ForgetAfter, Project, failure, open_workspace, told

if TYPE_CHECKING:
    from ihp_backend.finetuning.progress import Report
    from ihp_backend.finetuning.run_job import RetrainingPolicy

Model = Annotated[
    str | None, typer.Option(envvar="IHP_MODEL", help="That serves projects without a version of their own.")
]
Every = Annotated[
    int,
    typer.Option(
        envvar=["IHP_FINE_TUNING_EVERY", "IHP_LESSON_EVERY"],
        min=1,
        help="Photographs that are new or changed before a fine-tuning job.",
    ),
]
Policy = Annotated[
    Literal["newest", "agreed"],
    typer.Option(envvar="IHP_ANNOTATORS", help="Of several annotators: the newest, or what all drew alike."),
]
Base = Annotated[
    str | None,
    typer.Option(envvar="IHP_BASE_VALIDATION", help="NAME:FOLDER of a data set on which no version may get worse."),
]
Device = Annotated[
    Literal["cpu", "cuda"],
    typer.Option(
        envvar=["IHP_FINE_TUNING_DEVICE", "IHP_LESSON_DEVICE"],
        help="Where networks learn; with cuda the whole of them, else the heads.",
    ),
]

LogFormat = Annotated[
    Literal["text", "json"], typer.Option(envvar="IHP_LOG_FORMAT", help="Log lines for people or for programs.")
]


def train(
    project: Project,
    data_dir: DataDir = None,
    model: Model = None,
    every: Every = 20,
    policy: Policy = "newest",
    base: Base = None,
    device: Device = "cpu",
    force: Annotated[bool, typer.Option("--force", help="Let the candidate serve whatever the gate says.")] = False,
    stop: Annotated[
        bool, typer.Option("--stop", help="Stop the fine-tuning job that runs; it can go on later.")
    ] = False,
    if_due: Annotated[bool, typer.Option("--if-due", help="Only if enough is new, or it was asked for.")] = False,
    log_format: LogFormat = "text",
) -> None:
    """Fine-tune on the accepted photographs, and let the result serve if the gate lets it through."""
    from ihp_backend.finetuning.run_job import run_job
    from ihp_backend.label_studio.annotations.accepted_annotation import AcceptedError
    from ihp_backend.log_context import about
    from ihp_backend.server.log_lines import set_up_log
    from ihp_backend.storage.storage_error import StorageError

    set_up_log(log_format)
    workspace, images = open_workspace(data_dir)
    if stop:
        with told(StorageError):
            stopped = workspace.progress(project).stop()
        if not stopped:
            raise failure(f"project {project}: no fine-tuning job runs")
        typer.echo(f"project {project}: the fine-tuning job ends after its present step")
        return
    # As for a killed process: what was learned is kept, and the fine-tuning job goes on when it is begun again.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        with about(project=project):
            report = run_job(
                workspace,
                project,
                images,
                _retraining_policy(model, every, policy, base, device),
                asked=not if_due,
                force=force,
            )
    except (AcceptedError, StorageError) as error:
        raise failure(str(error)) from None
    if report is None:
        if not if_due:
            raise failure(f"project {project}: a fine-tuning job runs already; see ihp train-status {project}")
        return
    typer.echo(describe(project, report))
    if report.state == "failed":
        raise typer.Exit(1)


def train_status(
    project: Project,
    data_dir: DataDir = None,
    follow: Annotated[bool, typer.Option("--follow", help="Until the fine-tuning job has ended.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Say what a project's fine-tuning job is doing, or what became of the last one."""
    from ihp_backend.storage.storage_error import StorageError

    workspace, _ = open_workspace(data_dir, existing=True)
    with told(StorageError):
        report = workspace.progress(project).current()
    if report is None:
        raise failure(
            f"project {project}: no fine-tuning job was run yet in {workspace.data_dir}; ihp train {project} runs one, "
            "--data-dir or IHP_DATA_DIR names another folder"
        )
    if follow:
        with told(StorageError):
            report = _follow(workspace.progress(project).current, report)
    typer.echo(json.dumps(asdict(report), indent=1) if as_json else describe(project, report))


def worker(
    data_dir: DataDir = None,
    model: Model = None,
    every: Every = 20,
    policy: Policy = "newest",
    base: Base = None,
    device: Device = "cpu",
    log_format: LogFormat = "text",
    forget_after: ForgetAfter = 30,
    parent: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Take in events, run fine-tuning jobs and forget deleted tasks until stopped; `ihp serve` starts one with it."""
    from ihp_backend.finetuning.missing_packages import why_no_fine_tuning
    from ihp_backend.finetuning.process_priority import lower_session
    from ihp_backend.finetuning.worker import Worker, run_in_process
    from ihp_backend.finetuning.workspace import close_data_folder
    from ihp_backend.label_studio.backend_settings import SettingsError
    from ihp_backend.server.log_lines import set_up_log

    set_up_log(log_format)
    with told(SettingsError):
        _check_what_is_named(model, base)
    workspace, images = open_workspace(data_dir)
    close_data_folder(workspace.data_dir)
    logging.getLogger(__name__).info("the worker takes in events; %s", workspace.places.described())
    if lacking := why_no_fine_tuning():
        logging.getLogger(__name__).warning("%s; install it with: %s", *lacking)
    ended = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    arguments = ["--data-dir", str(workspace.data_dir), "--every", str(every), "--policy", policy, "--device", device]
    arguments += ["--log-format", log_format]
    arguments += _model_option(model)
    arguments += ["--base", base] if base else []
    if parent is not None:
        _end_with(parent, ended)
    else:
        lower_session()
    retraining_policy = _retraining_policy(model, every, policy, base, device)
    run_job = run_in_process(arguments, ended)
    Worker(workspace, images, retraining_policy, run_job, forget_after=forget_after).run(ended)


def check_worker_settings(model: str | None = None) -> None:
    """Reads the variables of `ihp worker` as it does itself: beside a server it would end, and the server go on.

    Args:
        model: that the worker is started with, see ``worker_beside``; None: its variable says.

    Raises:
        SettingsError: one cannot be used.
    """
    from ihp_backend.label_studio.backend_settings import SettingsError

    alone = typer.Typer(add_completion=False)
    alone.command()(worker)
    try:
        given = typer.main.get_command(alone).make_context("ihp worker", _model_option(model)).params
    except Exception as error:  # typer's own class or click's: that depends on typer's release.
        if (said := getattr(error, "format_message", None)) is None:
            raise
        raise SettingsError(f"{said()}; ihp worker --help says what can be given") from None
    _check_what_is_named(given["model"], given["base"])


def _model_option(model: str | None) -> list[str]:
    return ["--model", model] if model else []


def _check_what_is_named(model: str | None, base: str | None) -> None:
    """That the model and the data set are there: a fine-tuning job would find out, weeks later perhaps."""
    from ihp_backend.label_studio.backend_settings import SettingsError
    from ihp_backend.parsing.checkpoint import CheckpointError, read_checkpoint

    try:
        read_checkpoint(model)
    except CheckpointError as error:
        raise SettingsError(str(error)) from None
    if base is not None:
        name, _, folder = base.partition(":")
        if not name or not folder or not Path(folder).is_dir():
            raise SettingsError(
                f"IHP_BASE_VALIDATION (--base): {base!r} names no data set that is there; give NAME:FOLDER, for "
                "example ccp:/data/ccp"
            )


@contextmanager
def worker_beside(data_dir: Path, model: str | None, log_format: str) -> Iterator[None]:
    """A worker for the time of the block, in a process of its own with low priority, which ends with this one."""
    command = [sys.executable, "-m", "ihp_backend.cli", "worker", "--data-dir", str(data_dir)]
    command += ["--log-format", log_format, "--parent", str(os.getpid()), *_model_option(model)]
    process = subprocess.Popen(command)
    os.setpriority(os.PRIO_PROCESS, process.pid, 10)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


def describe(project: str, report: Report) -> str:
    """A fine-tuning job in a sentence."""
    if report.state == "running":
        left = report.seconds_left(time.time())
        shown = f", about {left / 60:.0f} min left" if left is not None and report.stage == "training" else ""
        loss = "" if report.loss is None else f", loss {report.loss:.3f}"
        return f"project {project}: {report.stage}, {report.step} of {report.steps}{loss}{shown}"
    version = f" as version {report.version}" if report.version else ""
    minutes = f" in {(report.ended - report.started) / 60:.1f} min" if report.ended else ""
    return f"project {project}: {report.state}{version}{minutes}: {report.message}"


def _retraining_policy(model: Model, every: Every, policy: Policy, base: Base, device: Device) -> RetrainingPolicy:
    from ihp_backend.finetuning.run_job import RetrainingPolicy
    from ihp_backend.parsing.cores import available_cores

    # A core stays free: threads that wait for one another at every layer take forty times as long where one of them
    # finds no core because another program is busy.
    return RetrainingPolicy(every, policy, base, model, max(available_cores() - 1, 1), device)


def _follow(look: Callable[[], Report | None], report: Report) -> Report:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    with Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()) as shown:
        bar = shown.add_task(report.stage, total=None)
        while report.state == "running":
            loss = "" if report.loss is None else f", loss {report.loss:.3f}"
            shown.update(bar, description=f"{report.stage}{loss}", total=report.steps or None, completed=report.step)
            time.sleep(0.5)
            report = look() or report
    return report


def _end_with(parent: int, ended: Event) -> None:
    """Lets the worker end when the server that started it is gone, however that happened."""
    from threading import Thread

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        ended.set()

    Thread(target=watch, daemon=True).start()
