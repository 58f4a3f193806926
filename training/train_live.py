"""Trains the live network: ``python -m training.train_live fit --config FILE --run FOLDER --data.root DIR``.

Everything else is as in ``training.train``, but for the loss: that of the live network is made in its loop
(``LiveTraining``), so there is no ``--model.loss``.
"""

from __future__ import annotations

from ihp_backend.learning.live_data import LiveData
from ihp_backend.learning.live_module import LiveTraining
from training.train import command


def main() -> None:
    """Trains a live network."""
    command(LiveTraining, LiveData)


if __name__ == "__main__":
    main()
