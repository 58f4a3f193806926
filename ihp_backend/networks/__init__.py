"""Network architectures, one file each; click networks offer encode(image) and decode(features, clicks, previous)."""
