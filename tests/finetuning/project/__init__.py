"""Measures what a project gains from its own accepted work, with the real Label Studio."""
