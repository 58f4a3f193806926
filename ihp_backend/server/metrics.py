"""Metrics: figures for Prometheus, of this process and, where there are several, of all of them together.

prometheus-client keeps each process's figures in files of one folder, PROMETHEUS_MULTIPROC_DIR, if that is set before
it is imported for the first time; ``serve`` takes care of that. Whichever process is asked reads the files of all.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from ihp_backend.label_studio.predict.scene_cache import SceneCache, SceneFigures

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
"""Upper bounds of the histograms' buckets: from a health check to a batch."""


class Metrics:
    """The metrics of an application.

    Args:
        stores: collects what all processes read from the same files.

    Attributes:
        request_seconds: by route and status.
        batches: requests for pre-annotations that are being answered.
        network_waiting: threads that wait for the network.

    Concurrency: any number of threads and processes.
    """

    def __init__(self, stores: Collector) -> None:
        own = CollectorRegistry()
        self.request_seconds = Histogram(
            "ihp_request_seconds",
            "Seconds from a request to its answer.",
            ("route", "status"),
            buckets=SECONDS,
            registry=own,
        )
        self._stage_seconds = Histogram(
            "ihp_predict_stage_seconds",
            "Seconds that a request to /predict spent in a stage, all its tasks together.",
            ("kind", "stage"),
            buckets=SECONDS,
            registry=own,
        )
        self._scene_counters = {
            "hits": Counter("ihp_scene_cache_hits", "Photographs asked for that were open already.", registry=own),
            "misses": Counter("ihp_scene_cache_misses", "Photographs asked for that were not open.", registry=own),
            "evictions": Counter("ihp_scene_cache_evictions", "Open photographs that gave way.", registry=own),
        }

        def gauge(name: str, documentation: str) -> Gauge:
            return Gauge(name, documentation, registry=own, multiprocess_mode="livesum")

        self._scene_gauges = {
            "scenes": gauge("ihp_scene_cache_scenes", "Open photographs."),
            "bytes": gauge("ihp_scene_cache_bytes", "Bytes of the open photographs."),
        }
        self.batches = gauge("ihp_batches_in_progress", "Requests for pre-annotations that are being answered.")
        self.network_waiting = gauge("ihp_network_waiting", "Clicks and tasks of batches that wait for the network.")
        self._lock = threading.Lock()
        self._scenes = SceneFigures()
        self._shown = own
        if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            self._shown = CollectorRegistry()
            MultiProcessCollector(self._shown)
        self._shown.register(stores)

    def predicted(self, milliseconds: Mapping[str, float], scenes: SceneCache, *, clicked: bool) -> None:
        """A request to ``/predict`` was answered.

        Args:
            milliseconds: by stage.
            scenes: as they are after it.
            clicked: whether it was about clicks.
        """
        for stage, taken in milliseconds.items():
            self._stage_seconds.labels("clicks" if clicked else "batch", stage).observe(taken / 1000)
        with self._lock:
            now = scenes.figures()
            for name, counter in self._scene_counters.items():
                counter.inc(getattr(now, name) - getattr(self._scenes, name))
            for name, one in self._scene_gauges.items():
                one.set(getattr(now, name))
            self._scenes = now

    def exposition(self) -> bytes:
        """All metrics in Prometheus's text format."""
        return generate_latest(self._shown)
