"""Engines: ONNX Runtime and torch, by which a model folder's network runs."""
