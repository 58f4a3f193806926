"""What a project gains from its own accepted work: ``python -m tests.finetuning.project --data CCP --out FOLDER``.

A simulated annotator accepts photographs in the real Label Studio, clicking through the running backend; webhooks tell
the backend of it; after so many photographs a fine-tuning job is run, and what serves then is measured on CCP val
photographs. Every seed is another order of the photographs. The same command goes on after an interruption.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from tests.finetuning.project.results import show
from tests.finetuning.project.run import Plan, run_seed


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the CCP person crops")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--accepted", default="0,25,50,100,200", help="numbers of photographs, with commas")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--model", help="base model; default: the packaged one")
    parser.add_argument("--base", help="NAME:FOLDER of what the base model was trained on, see ihp train --base")
    parser.add_argument("--photographs", type=int, default=60, help="of the val split, to measure on")
    parser.add_argument(
        "--shuffled", type=int, nargs="?", const=50, default=0, help="in the end so many with one another's masks"
    )
    parser.add_argument("--candidates", action="store_true", help="also measure what the gate holds back")
    chosen = parser.parse_args()
    accepted = [int(number) for number in chosen.accepted.split(",")]
    plan = Plan(
        chosen.data.resolve(), chosen.out.resolve(), accepted, chosen.model, chosen.base, chosen.photographs,
        chosen.shuffled, chosen.candidates,
    )  # fmt: skip
    console = Console()
    for seed in range(chosen.seeds):
        run_seed(plan, seed, console)
        show(plan.out, accepted, chosen.seeds, console)


if __name__ == "__main__":
    main()
