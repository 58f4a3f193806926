"""Trains a click network: ``python -m training.train fit --config FILE --run FOLDER --data.root DIR``.

Every argument of the module, the data and the trainer can be given in YAML files or on the command line; ``--help``
lists them. Of several files later ones lie on top, and those of this package's ``configs`` are found by their name. All
of a training goes into its folder: log, pictures, checkpoints, configuration. Ctrl-C or a killed machine cost nothing
but the steps since the last checkpoint: the same command goes on there.
"""

from __future__ import annotations

import logging
import sys
import warnings
from pathlib import Path
from typing import Any

from jsonargparse import Namespace
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI, SaveConfigCallback
from lightning.pytorch.utilities import rank_zero_info, rank_zero_only

from ihp_backend.commands.former_options import former_name_hint
from ihp_backend.datasets import open_dataset
from ihp_backend.datasets.sample import SampleError
from ihp_backend.learning.click_data import ClickData
from ihp_backend.learning.click_module import ClickTraining
from ihp_backend.learning.network_check import ContractError, check_network
from ihp_backend.learning.resumable_training import ResumableTraining
from ihp_backend.learning.stepwise_data import StepwiseData
from ihp_backend.networks.weights import read_training_checkpoint
from training.former_names import present_arguments
from training.packaged_configs import with_config_files
from training.run_folder import CONFIG

OWN_LABELS = ("accepted", "folder", "label-studio")
"""Data sets whose labels are the user's own."""

FINISHED = "finished"
"""Name of the file that says that a training ran to its end."""


class SaveConfig(SaveConfigCallback):
    """Keeps the complete configuration as ``config.yaml`` in the training's folder."""

    def save_config(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Called once, by the first process."""
        folder = Path(trainer.default_root_dir)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / CONFIG).write_text(self.parser.dump(self.config, skip_none=False))


class TrainingCommand(LightningCLI):
    """Lightning's command line with ``--run``."""

    @staticmethod
    def subcommands() -> dict[str, set[str]]:
        """Only ``fit``: what was trained is measured by ``training.evaluate``, as it is served."""
        return {"fit": LightningCLI.subcommands()["fit"]}

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Adds ``--run`` and ``--check_export``."""
        parser.add_argument(
            "--run", type=Path, required=True, help="Folder of the training; one that was interrupted goes on."
        )
        parser.add_argument(
            "--check_export", type=bool, default=True, help="See beforehand that the network can be exported."
        )

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Takes former names, too, and looks at a checkpoint before Lightning reads its settings from it."""
        if args is None:
            self.config = parser.parse_args(present_arguments([*with_config_files(sys.argv[1:])], _hint))
        else:
            super().parse_arguments(parser, args)
        chosen = self.config.get("subcommand")
        given = (self.config[chosen] if chosen else self.config).get("ckpt_path")
        # Lightning also takes addresses, and words such as "best".
        if given is not None and "://" not in given and (given.endswith(".ckpt") or Path(given).is_file()):
            read_training_checkpoint(Path(given), "ckpt_path")

    def before_instantiate_classes(self) -> None:
        """Sends everything into the folder, and goes on at its last checkpoint where there is one."""
        config: Namespace = self.config[self.subcommand] if self.subcommand else self.config
        run: Path = config.run
        if (run / FINISHED).exists():
            raise SystemExit(f"run: the training in {run} is finished; give another folder")
        config.trainer.default_root_dir = str(run)
        _count_labels(config)
        # The data last one epoch, however many steps that is.
        if config.trainer.max_epochs is None:
            config.trainer.max_epochs = 1
        if config.trainer.max_epochs != 1:
            raise ValueError(f"trainer.max_epochs: {config.trainer.max_epochs} given; give 1, and data.steps as needed")
        # Lightning refuses to look at the validation less often than once.
        if isinstance(every := config.trainer.val_check_interval, int) and every > config.data.steps:
            config.trainer.val_check_interval = config.data.steps
        # The data know by themselves which process sees what; Lightning would deal out each share once more.
        config.trainer.use_distributed_sampler = False
        config.trainer.logger = [
            Namespace(
                class_path=f"lightning.pytorch.loggers.{kind}", init_args=Namespace(save_dir=str(run), name="log")
            )
            for kind in ("CSVLogger", "TensorBoardLogger")
        ]
        for callback in config.trainer.callbacks or []:
            if callback.class_path.endswith(".ModelCheckpoint"):
                callback.init_args.dirpath = str(run / "checkpoints")
        last = run / "checkpoints" / "last.ckpt"
        if self.subcommand == "fit" and config.ckpt_path is None and last.exists():
            config.ckpt_path = str(last)
            try:
                read_training_checkpoint(last, "ckpt_path")
            except ValueError as error:
                raise ValueError(f"{error}; once {last} is removed, the training begins anew") from error

    def before_fit(self) -> None:
        """Opens the data and tries the network: trouble with them is said in a sentence, before anything is trained."""
        try:
            self.datamodule.prepare_data()
            assumptions = self.datamodule.assumptions()
        except (FileNotFoundError, ValueError) as error:
            raise SystemExit(f"data: {error}") from None
        for option, assumed in assumptions.items():
            rank_zero_info(f"assumed: {option}: {assumed}")
        config: Namespace = self.config["fit"]
        if config.ckpt_path is None and self.trainer.is_global_zero:
            rank_zero_info("looking whether the network answers, learns and can be exported")
            try:
                check_network(self.model.network, config.check_export)
            except ContractError as error:
                raise SystemExit(f"train: {error}") from None

    def after_fit(self) -> None:
        """Says that this training is done, unless it was interrupted."""
        if self.trainer.is_global_zero and not self.trainer.interrupted:
            (Path(self.trainer.default_root_dir) / FINISHED).touch()


def _count_labels(config: Namespace) -> None:
    """Takes the network's number of labels from data whose labels are the user's own; others are checked against it."""
    arguments = config.model.network.get("init_args") or {}
    # A region refiner takes its number from the parser that it refines.
    if "network" in arguments:
        arguments = arguments["network"].get("init_args") or {}
    if config.data.dataset not in OWN_LABELS or "num_labels" not in arguments:
        return
    try:
        labels = open_dataset(config.data.dataset, config.data.root, "train", config.data.options).labels
    except (FileNotFoundError, ValueError) as error:
        raise SystemExit(f"data: {error}") from None
    arguments["num_labels"] = len(labels)


@rank_zero_only
def _hint(former: str, present: str) -> None:
    print(f"hint: {former_name_hint(former, present)}", file=sys.stderr)


def command(training: type[ResumableTraining], data: type[StepwiseData]) -> None:
    """The command line of one kind of training."""
    logging.getLogger("lightning.pytorch.utilities.rank_zero").addFilter(_matters)
    # The data go on after the checkpoint by themselves; the warning knows only one other way to do that.
    warnings.filterwarnings("ignore", message="You're resuming from a checkpoint that ended before the epoch ended")
    try:
        TrainingCommand(training, data, save_config_callback=SaveConfig, save_config_kwargs={"overwrite": True})
    except (MisconfigurationException, OSError, ValueError) as error:
        raise SystemExit(f"train: {_sentence(error)}") from None
    except RuntimeError as error:
        # torch raises these in place of errors that it cannot make again from their text alone.
        _, found, of_sample = str(error).rpartition(f"{SampleError.__name__}: ")
        if not found:
            raise
        raise SystemExit(f"data: {of_sample.strip()}") from None


def _matters(record: logging.LogRecord) -> bool:
    """Whether a line of Lightning's says anything of this training."""
    return not record.getMessage().startswith(("GPU available", "TPU available", "HPU available", "💡"))


def _sentence(error: Exception) -> str:
    """The message of an error; a process that prepares views wraps it into its traceback."""
    text = str(error)
    return text.strip().rpartition(f"{type(error).__name__}: ")[2] if "Original Traceback" in text else text


def main() -> None:
    """Trains a click network."""
    command(ClickTraining, ClickData)


if __name__ == "__main__":
    main()
