"""Trains a live network's prior: ``python -m training.train_prior fit --config FILE --run FOLDER --data.root DIR``.

Everything else is as in ``training.train``, but for the loss and the data: views without clicks, and a network that is
there already (``--model.start``), of which only the prior changes (``PriorTraining``).
"""

from __future__ import annotations

from ihp_backend.learning.automatic_data import AutomaticData
from ihp_backend.learning.prior_module import PriorTraining
from training.train import command


def main() -> None:
    """Trains a live network's prior."""
    command(PriorTraining, AutomaticData)


if __name__ == "__main__":
    main()
