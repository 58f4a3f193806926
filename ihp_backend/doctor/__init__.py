"""What is wrong with an installation, named together with what cures it."""
