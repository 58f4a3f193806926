"""Serving, its worker and every command start without the packages that only training needs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
IMPORTED_AS = {"pyyaml": "yaml", "segmentation-models-pytorch": "segmentation_models_pytorch", "jinja2": ""}
"""Names of packages that differ from those of their modules; Flask brings jinja2 anyway."""


def modules_of_training() -> list[str]:
    """The modules of the packages that the extra ``train`` brings."""
    (extra,) = re.findall(r"^train = \[(.*?)^\]", (ROOT / "pyproject.toml").read_text(), re.MULTILINE | re.DOTALL)
    packages = re.findall(r'"([a-z0-9-]+)', extra)
    modules = [IMPORTED_AS.get(package, package.replace("-", "_")) for package in packages]
    assert {"torch", "lightning"} < set(modules)
    return [module for module in modules if module]


def test_without_the_train_extra() -> None:
    program = f"""
import sys
for module in {modules_of_training()}:
    sys.modules[module] = None
import numpy as np
import ihp_backend.cli, ihp_backend.server.serve, ihp_backend.finetuning.worker, ihp_backend.finetuning.workspace
import ihp_backend.batch_parsing.parse_photographs
from ihp_backend.parsing import Parser
parser = Parser.from_pretrained(threads=1)
parser.parse(parser.open(np.zeros((64, 64, 3), np.uint8)), [])
"""
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, timeout=120)
