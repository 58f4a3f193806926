"""The source distribution and the wheel made of it: what is in them, and that they work where nothing else is."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ihp_backend import __version__

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both; the wheel is made from the source distribution."""
    folder = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT)],
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return folder


def test_the_source_distribution_has_no_strays(built: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    assert archive.name == f"ihp_backend-{__version__}.tar.gz"
    with tarfile.open(archive) as opened:
        names = {Path(*Path(name).parts[1:]) for name in opened.getnames()}
    top = {name.parts[0] for name in names if name.parts}
    assert top == {
        "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "MANIFEST.in", "PKG-INFO", "README.md",
        "ihp_backend", "ihp_backend.egg-info", "pyproject.toml", "setup.cfg", "training",
    }  # fmt: skip


def test_the_wheel_has_all_that_is_needed_and_nothing_else(built: Path) -> None:
    (archive,) = built.glob("*.whl")
    with zipfile.ZipFile(archive) as opened:
        names = set(opened.namelist())
        metadata = opened.read(f"ihp_backend-{__version__}.dist-info/METADATA").decode()
    assert {name.split("/")[0] for name in names} == {
        "ihp_backend", "training", f"ihp_backend-{__version__}.dist-info"
    }  # fmt: skip
    here = [path for top in ("ihp_backend", "training") for path in (ROOT / top).rglob("*") if path.is_file()]
    wanted = {str(path.relative_to(ROOT)) for path in here if "__pycache__" not in path.parts}
    assert {name for name in names if "dist-info" not in name} == wanted
    for line in (f"Version: {__version__}", "License-Expression: Apache-2.0", "Classifier: Typing :: Typed"):
        assert line in metadata.splitlines()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["*.whl", "*.tar.gz"])
def test_it_works_in_a_clean_environment(built: Path, tmp_path: Path, kind: str) -> None:
    (archive,) = built.glob(kind)
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True, timeout=300)
    programs = tmp_path / "venv" / "bin"
    subprocess.run([programs / "pip", "install", "--quiet", str(archive)], check=True, timeout=600)
    Image.fromarray(np.full((64, 48, 3), 90, np.uint8)).save(tmp_path / "photograph.png")

    def said(*command: str) -> str:
        program, *arguments = command
        return subprocess.run(
            [programs / program, *arguments], capture_output=True, text=True, check=True, cwd=tmp_path, timeout=300
        ).stdout

    assert said("ihp", "--version") == f"ihp-backend {__version__}\n"
    assert "48 x 64 pixels" in said("ihp", "parse", "photograph.png", "--click", "20,30,face", "--out", "parsing.png")
    configs = "from training.packaged_configs import config_file; print(config_file('ccp_paper.yaml').is_file())"
    assert said("python", "-c", configs) == "True\n"
