"""Clicks, the localization maps made from them, and simulated annotators.

Simulated annotators are pure functions of label maps and a random generator: where a person would click.
"""

from ihp_backend.clicks.central import central_clicks
from ihp_backend.clicks.click import Click
from ihp_backend.clicks.corrections import correction_click, correction_clicks
from ihp_backend.clicks.extra import near_edge_clicks, random_clicks
from ihp_backend.clicks.localization import add_click, localization_maps
from ihp_backend.clicks.realistic import jittered, off_centre_clicks, with_wrong_label

__all__ = [
    "Click",
    "add_click",
    "central_clicks",
    "correction_click",
    "correction_clicks",
    "jittered",
    "localization_maps",
    "near_edge_clicks",
    "off_centre_clicks",
    "random_clicks",
    "with_wrong_label",
]
