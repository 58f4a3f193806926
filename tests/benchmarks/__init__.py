"""Speed, measured and written down; the tests themselves never assert on time.

``python -m tests.benchmarks`` runs every module ``bench_*.py`` here; each has ``measure() -> list[Row]``.
"""
