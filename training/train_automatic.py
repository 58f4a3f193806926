"""Trains an automatic parser: ``python -m training.train_automatic fit --config FILE --run FOLDER --data.root DIR``.

Everything else is as in ``training.train``, but for the loss, which is ``ParserLoss`` (``--model.loss``), and for the
clicks, of which there are none.
"""

from __future__ import annotations

from ihp_backend.learning.automatic_data import AutomaticData
from ihp_backend.learning.automatic_module import AutomaticTraining
from training.train import command


def main() -> None:
    """Trains an automatic parser."""
    command(AutomaticTraining, AutomaticData)


if __name__ == "__main__":
    main()
