"""Its place puts the repository's root on pytest's import path, so that tests can use what is in examples/."""
