"""What runs on an annotation team's machine tells nobody of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("module", ["ihp_backend.server.serve", "ihp_backend.cli", "training.export"])
def test_nothing_is_kept_in_the_home_folder_to_report(module: str, tmp_path: Path) -> None:
    # ONNX Runtime reports nothing where it believes to be tested, so the test must not look like one.
    telling = ("CI", "GITHUB_ACTIONS", "PYTEST_CURRENT_TEST", "ORT_DISABLE_TELEMETRY")
    environment = {name: value for name, value in os.environ.items() if name not in telling}
    environment["HOME"] = str(tmp_path)
    program = (
        f"import {module}\nfrom ihp_backend.parsing import Parser\n"
        "import numpy as np\nparser = Parser.from_pretrained(threads=1)\n"
        "parser.parse(parser.open(np.zeros((32, 32, 3), np.uint8)), [])"
    )
    subprocess.run([sys.executable, "-c", program], env=environment, cwd=ROOT, check=True, timeout=120)
    assert not (tmp_path / ".cache" / "Microsoft").exists()
