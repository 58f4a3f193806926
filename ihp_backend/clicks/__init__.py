"""Clicks, the localization maps made from them, and simulated annotators."""

from ihp_backend.clicks.click import Click

__all__ = ["Click"]
