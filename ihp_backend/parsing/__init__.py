"""The runtime: checkpoints, engines (ONNX Runtime, torch) and Parser.

``Parser.open(image)`` gives a Scene, ``Parser.parse(scene, clicks)`` a Parse.
"""

from ihp_backend.parsing.checkpoint import CheckpointError
from ihp_backend.parsing.parser import Parser
from ihp_backend.parsing.scene import Parse, Scene

__all__ = ["CheckpointError", "Parse", "Parser", "Scene"]
