"""Which model answers which project and task."""

from __future__ import annotations

from typing import Protocol

from ihp_backend.parsing.parser import Parser


class ServingModels(Protocol):
    """Knows the model of every project."""

    def of_project(self, project: str) -> Parser:
        """The model that serves a project now."""

    def of_task(self, project: str, task: str) -> Parser:
        """The model with which a task was begun, so that nothing changes under the annotator's hand."""

    def forget(self, project: str, task: str) -> None:
        """The task is done; begun again, it gets the model that serves then."""


class OneModel:
    """The same model for all."""

    def __init__(self, parser: Parser) -> None:
        self._parser = parser

    def of_project(self, project: str) -> Parser:
        """It."""
        return self._parser

    def of_task(self, project: str, task: str) -> Parser:
        """It."""
        return self._parser

    def forget(self, project: str, task: str) -> None:
        """There is nothing to forget."""
