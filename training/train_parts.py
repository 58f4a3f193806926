"""Trains a network that finds one part at a time: ``python -m training.train_parts fit --config FILE --run FOLDER``.

iDeepLab V3+ and DEXTR, against which the paper measures itself. Everything else is as in ``training.train``.
"""

from __future__ import annotations

from ihp_backend.learning.part_data import PartData
from ihp_backend.learning.part_module import PartTraining
from training.train import command


def main() -> None:
    """Trains a part network."""
    command(PartTraining, PartData)


if __name__ == "__main__":
    main()
