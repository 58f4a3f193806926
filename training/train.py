"""Trains a click network: ``python -m training.train fit --config training/configs/ccp_deeplab.yaml --data.root DIR``.

Every argument of the module, the data and the trainer can be given in the YAML file or on the command line;
``--help`` lists them. Interrupt with Ctrl-C, go on with ``--ckpt_path runs/NAME/checkpoints/last.ckpt``.
"""

from __future__ import annotations

from lightning.pytorch.cli import LightningCLI

from ihp_backend.learning.click_data import ClickData
from ihp_backend.learning.click_module import ClickTraining


def main() -> None:
    """The command line."""
    LightningCLI(ClickTraining, ClickData, save_config_kwargs={"overwrite": True})


if __name__ == "__main__":
    main()
