"""`ihp serve`: the server, with a look at Label Studio before it listens, and a worker beside it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ihp_backend.commands.fine_tuning import check_worker_settings, worker_beside
from ihp_backend.commands.shared import failure

if TYPE_CHECKING:
    from ihp_backend.server.doctor_findings import Examine, Finding
    from ihp_backend.server.server_settings import ServerSettings


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; by default only this machine.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; by default 9090.")] = None,
    model: Annotated[str | None, typer.Option(help="Model folder or packaged model's name.")] = None,
    engine: Annotated[
        str | None,
        typer.Option(help="onnx (CPU, the default) or torch (GPU when there is one; needs the train extra)."),
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes; by default 1, right for click work.")] = None,
    threads: Annotated[int | None, typer.Option(help="Requests that a process has in hand; by default 192.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Where events and cached images live (IHP_DATA_DIR).")] = None,
    allow_private_addresses: Annotated[
        bool | None, typer.Option("--allow-private-addresses", help="Fetch images from the local network, too.")
    ] = None,
    local_files_root: Annotated[
        Path | None, typer.Option(help="Folder that Label Studio serves as /data/local-files/.")
    ] = None,
    log_format: Annotated[
        str | None, typer.Option(help="text (the default) or json: one JSON object per line.")
    ] = None,
    without_credentials: Annotated[
        bool,
        typer.Option(
            "--without-credentials",
            envvar="IHP_WITHOUT_CREDENTIALS",
            help="Answer other machines without credentials, where a server in front asks for them.",
        ),
    ] = False,
    certificate: Annotated[Path | None, typer.Option(help="PEM file of a certificate: serve https.")] = None,
    key: Annotated[Path | None, typer.Option(help="PEM file of its private key.")] = None,
    fine_tuning: Annotated[
        bool,
        typer.Option(
            "--fine-tuning/--no-fine-tuning",
            envvar=["IHP_FINE_TUNING", "IHP_LESSONS"],
            help="Start a worker that takes in events and runs fine-tuning jobs.",
        ),
    ] = True,
    formerly: Annotated[bool | None, typer.Option("--lessons/--no-lessons", hidden=True)] = None,
) -> None:
    """Serve Label Studio's ML backend protocol until stopped."""
    from ihp_backend.server.serve import serve as run
    from ihp_backend.server.server_settings import ServerSettings, SettingsError

    # The former name, hidden: beside it, help in a window of 80 columns would cut off the names of other options.
    fine_tuning = fine_tuning if formerly is None else formerly
    try:
        settings = ServerSettings.from_environment(
            host=host,
            port=port,
            model=model,
            engine=engine,
            workers=workers,
            threads=threads,
            data_dir=data_dir,
            allow_private_addresses=allow_private_addresses,
            local_files_root=local_files_root,
            log_format=log_format,
            without_credentials=without_credentials,
            certificate=certificate,
            key=key,
        )
        if fine_tuning:
            check_worker_settings(settings.model)
        beside = worker_beside(settings.data_dir, settings.model, settings.log_format) if fine_tuning else None
        run(settings, look=partial(_label_studio, settings), examine=_examine(settings), beside=beside)
    except SettingsError as error:
        raise failure(str(error)) from None


def _label_studio(settings: ServerSettings) -> Iterator[tuple[int, str]]:
    """What the doctor says of Label Studio and its token, for the log; it may still be starting, so nothing ends."""
    from ihp_backend.doctor.examination import examine_label_studio
    from ihp_backend.label_studio.api.client import LabelStudio

    if settings.images.label_studio_url is None:
        remedy = (
            "photographs that lie there are not fetched and nothing is learned from; set LABEL_STUDIO_URL and its token"
        )
        yield logging.WARNING, f"Label Studio, address: not known; {remedy}"
        return
    for finding in examine_label_studio(LabelStudio(settings.images, pauses=())):
        level = logging.INFO if finding.level == "ok" else logging.WARNING
        yield level, f"Label Studio, {finding.check}: {finding.found}{finding.remedy and '; ' + finding.remedy}"


def _examine(settings: ServerSettings) -> Examine | None:
    """Looks as ``ihp doctor`` does, without fetching photographs; None where the settings name no Label Studio."""
    from ihp_backend.doctor.case import Case, listening_at
    from ihp_backend.doctor.examination import examine_servers
    from ihp_backend.doctor.shared_places import shared_places
    from ihp_backend.label_studio.api.client import LabelStudio

    if settings.images.label_studio_url is None:
        return None

    def examine(port: int) -> Iterator[Finding]:
        case = Case(settings, LabelStudio(settings.images, pauses=()), listening_at(settings, port))
        for finding in chain(shared_places(settings), examine_servers(case, with_photographs=False)):
            yield finding.to_json()

    return examine
