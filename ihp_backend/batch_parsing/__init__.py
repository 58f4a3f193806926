"""`ihp parse`: photographs on disk, parsed as pre-annotations are, and the files that are written of them."""
