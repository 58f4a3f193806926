from .serving import disk

__all__ = ["disk"]
