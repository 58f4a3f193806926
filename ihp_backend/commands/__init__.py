"""The longer commands of `ihp`, a file each. Heavy imports stay inside them."""
