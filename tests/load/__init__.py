"""Load: annotators who click in a real server, each on a task of their own; ``python -m tests.load``."""
