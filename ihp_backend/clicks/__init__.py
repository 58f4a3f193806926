"""Clicks, the localization maps made from them, and simulated annotators."""

from ihp_backend.clicks.click import Click
from ihp_backend.clicks.localization import add_click, localization_maps
from ihp_backend.clicks.simulation import central_clicks, correction_click, correction_clicks, random_clicks

__all__ = [
    "Click",
    "add_click",
    "central_clicks",
    "correction_click",
    "correction_clicks",
    "localization_maps",
    "random_clicks",
]
