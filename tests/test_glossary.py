"""The glossary's words are those of the code, and its files are there."""

from __future__ import annotations

import re
import tokenize
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = [file for room in ("ihp_backend", "training") for file in sorted((ROOT / room).rglob("*.py"))]
FORMER = re.compile(r"lesson|ledger|shelf|obedien|stranger|carving|situation|curricul|school|trunk", re.IGNORECASE)
TABLES_OF_FORMER_NAMES = {"former_names.py", "former_options.py"}


def identifiers(file: Path) -> set[str]:
    with file.open("rb") as source:
        return {token.string for token in tokenize.tokenize(source.readline) if token.type == tokenize.NAME}


def test_files_that_it_names_are_there() -> None:
    named = re.findall(r"`([a-z_/]+\.py)`", (ROOT / "docs" / "glossary.md").read_text())
    assert len(named) > 20
    known = [file.relative_to(ROOT).as_posix() for file in SOURCES]
    assert [name for name in named if not any(f"/{path}".endswith(f"/{name}") for path in known)] == []


def test_no_identifier_has_a_former_name() -> None:
    found = {
        file.name: sorted(filter(FORMER.search, identifiers(file)))
        for file in SOURCES
        if file.name not in TABLES_OF_FORMER_NAMES
    }
    assert {file: names for file, names in found.items() if names} == {}


def test_every_file_has_a_name_of_its_own() -> None:
    counted = Counter(file.stem for file in SOURCES if file.name not in ("__init__.py", "__main__.py"))
    assert [name for name, count in counted.items() if count > 1] == []
