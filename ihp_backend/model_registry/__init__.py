"""Model registry: the versions of each project, which one serves, and the way back."""
