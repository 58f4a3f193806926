"""IHP Backend: click-driven human parsing for Label Studio. The rooms are described in docs/architecture.md."""

__version__ = "0.1.0"
