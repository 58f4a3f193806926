"""From a network in torch to a model folder that serves without it."""

from ihp_backend.exporting.comparison import ExportError
from ihp_backend.exporting.model_folder import write_model_folder

__all__ = ["ExportError", "write_model_folder"]
