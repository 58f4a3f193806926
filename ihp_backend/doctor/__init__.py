"""Doctor: the faults of an installation, each with its remedy."""
