"""The runtime: checkpoints, engines (ONNX Runtime, torch) and Parser.

``Parser.open(image)`` gives a Scene, ``Parser.parse(scene, clicks)`` a Parse.
"""

from ihp_backend.parsing.scene import Parse, Scene

__all__ = ["Parse", "Scene"]
