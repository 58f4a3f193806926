"""Labelling configs: reading and writing them, and their labels in the model's words."""
