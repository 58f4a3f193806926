"""Data sets, one file each; every one yields Sample(image, parsing, id)."""
