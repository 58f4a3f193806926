"""The documentation site builds without a warning, and its page of settings has every setting that the code reads."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        env={"NO_MKDOCS_2_WARNING": "1", "PATH": ""}, cwd=ROOT,
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    return folder


def test_every_page_is_in_the_menu(site: Path) -> None:
    menu = (ROOT / "mkdocs.yml").read_text()
    for page in DOCS.rglob("*.md"):
        assert f": {page.relative_to(DOCS)}" in menu, f"{page} is in no part of nav in mkdocs.yml"


def test_the_reference_comes_from_docstrings(site: Path) -> None:
    page = (site / "reference" / "parsing" / "index.html").read_text()
    assert "Opens a photograph" in page or "ihp_backend.parsing.parser.Parser.open" in page
    assert "parser.parse" in page.lower()


def test_links_out_of_the_docs_became_text(site: Path) -> None:
    for page in site.rglob("*.html"):
        for target in re.findall(r'href="([^"#?]+)', page.read_text()):
            if "://" in target or target.startswith(("mailto:", "/")):
                continue
            assert (page.parent / target).resolve().is_relative_to(site), f"{page.name} leads out of the site: {target}"


def test_the_page_of_settings_has_every_variable() -> None:
    page = (DOCS / "settings.md").read_text()
    sources = [file for top in ("ihp_backend", "examples") for file in (ROOT / top).rglob("*.py")]
    read = {
        name for file in sources for name in re.findall(r"[\"' (]((?:IHP|LABEL_STUDIO)_[A-Z_]+[A-Z])", file.read_text())
    }
    # Of Label Studio itself, as the demonstration starts it, and names of constants.
    others = {name for name in read if name.startswith("LABEL_STUDIO_") and name not in (
        "LABEL_STUDIO_URL", "LABEL_STUDIO_API_KEY", "LABEL_STUDIO_API_KEY_FILE", "LABEL_STUDIO_PORT")}  # fmt: skip
    missing = {name for name in read - others if f"`{name}`" not in page}
    assert not missing
