"""Research scripts: train, export, evaluate."""
