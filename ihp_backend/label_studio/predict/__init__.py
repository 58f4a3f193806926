"""Answers to /predict: from a request to the regions of its tasks."""
