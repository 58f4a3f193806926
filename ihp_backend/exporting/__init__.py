"""Export of a network in torch to a model folder that serves without torch."""

from ihp_backend.exporting.model_folder import write_model_folder
from ihp_backend.exporting.onnx_networks import ExportError

__all__ = ["ExportError", "write_model_folder"]
