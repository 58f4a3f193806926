"""Confusion matrices and the interaction protocol."""
