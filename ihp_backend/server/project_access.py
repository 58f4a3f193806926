"""ProjectAccess: how each project's Label Studio is reached, as told by ``/setup``; in memory only, never logged."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import NamedTuple


class Access(NamedTuple):
    """Address of Label Studio and a token for it; either may be unknown."""

    hostname: str | None = None
    access_token: str | None = None

    def __repr__(self) -> str:
        return "Access(...)"


class ProjectAccess:
    """The last ``Access`` of each project; safe to use from any number of threads.

    With several workers a ``/setup`` reaches only one of them; set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY then.
    """

    def __init__(self, most_projects: int = 1000) -> None:
        self._most_projects = most_projects
        self._lock = threading.Lock()
        self._projects: OrderedDict[str, Access] = OrderedDict()

    def remember(self, project: str, access: Access) -> None:
        with self._lock:
            self._projects[project] = access
            self._projects.move_to_end(project)
            while len(self._projects) > self._most_projects:
                self._projects.popitem(last=False)

    def of(self, project: str) -> Access:
        """What is known of a project; nothing for one that was never set up."""
        with self._lock:
            return self._projects.get(project, Access())
