"""StoreMetrics: metrics of what lies in the data folder, read when they are asked for."""

from __future__ import annotations

import logging
import platform
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from ihp_backend import __version__
from ihp_backend.finetuning.progress import Report
from ihp_backend.finetuning.workspace import Workspace
from ihp_backend.storage.storage_error import StorageError

logger = logging.getLogger(__name__)


class _Project(NamedTuple):
    """What is told of a project; ``job`` is the fine-tuning job that runs, or the last one."""

    annotations: int
    version: str
    job: Report | None
    outcomes: Mapping[str, int]


class StoreMetrics(Collector):
    """Collects them. What cannot be read is left out, and ``ihp_stores_readable`` is 0.

    Args:
        workspace: of the data folder.
        base_version: of the model that serves projects without a version of their own.
    """

    def __init__(self, workspace: Workspace, base_version: str) -> None:
        self._workspace, self._base_version = workspace, base_version

    def describe(self) -> list[Metric]:
        """Nothing, so that nothing is read before anybody asks."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The metrics; raises nothing."""
        waiting = GaugeMetricFamily("ihp_events_waiting", "Events that the worker has not taken in yet.")
        projects: dict[str, _Project] = {}
        readable = True
        try:
            store = self._workspace.annotation_store
            waiting.add_metric([], self._workspace.inbox.count(after=store.ingested))
            for name in store.projects():
                try:
                    projects[name] = self._project(name)
                except StorageError as error:
                    logger.warning("metrics: project %.40r is left out: %s", name, error)
                    readable = False
        except StorageError as error:
            logger.warning("metrics: events and projects are left out: %s", error)
            readable = False
        yield waiting
        yield from _of_projects(projects)
        yield GaugeMetricFamily("ihp_stores_readable", "0 if something in the data folder cannot be read.", readable)
        build = {"version": __version__, "python": platform.python_version(), "model_version": self._base_version}
        yield InfoMetricFamily(
            "ihp_build", "Release, Python, and the model of projects without one of their own.", build
        )

    def _project(self, name: str) -> _Project:
        progress = self._workspace.progress(name)
        return _Project(
            len(self._workspace.annotation_store.annotators(name)),
            self._workspace.versions.current(name) or self._base_version,
            progress.current(),
            progress.outcomes(),
        )


def _of_projects(projects: Mapping[str, _Project]) -> Iterator[Metric]:
    accepted = GaugeMetricFamily("ihp_accepted_annotations", "Annotations accepted at present.", labels=["project"])
    serving = InfoMetricFamily("ihp_serving_version", "The version that serves a project.", labels=["project"])
    jobs = CounterMetricFamily(
        "ihp_fine_tuning_jobs", "Fine-tuning jobs that ended, by outcome.", labels=["project", "outcome"]
    )
    running = GaugeMetricFamily("ihp_fine_tuning_running", "1 while a fine-tuning job runs.", labels=["project"])
    done = GaugeMetricFamily(
        "ihp_fine_tuning_progress_ratio", "Share of the running job's training steps that are done.", labels=["project"]
    )
    for name, project in projects.items():
        accepted.add_metric([name], project.annotations)
        serving.add_metric([name], {"version": project.version})
        for outcome, number in sorted(project.outcomes.items()):
            jobs.add_metric([name, outcome], number)
        job = project.job if project.job is not None and project.job.state == "running" else None
        running.add_metric([name], job is not None)
        if job is not None and job.steps:
            done.add_metric([name], job.step / job.steps)
    yield from (accepted, serving, jobs, running, done)
