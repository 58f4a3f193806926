"""Annotation store: the events that Label Studio sent, and the annotations that are accepted at present."""
