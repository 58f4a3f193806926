"""The runtime: checkpoints, engines (ONNX Runtime, torch) and Parser: open(image) -> Scene, parse(scene, clicks) -> Parse."""

from ihp_backend.parsing.scene import Parse, Scene

__all__ = ["Parse", "Scene"]
