"""The examples in docstrings show what happens."""

from __future__ import annotations

import doctest
import importlib
import re

import pytest

from tests.test_rooms import FILES, PACKAGE, name_of, room_of

NEED_TORCH = {"networks", "losses", "exporting", "learning"}
"""Rooms that the base install cannot import."""

WITH_EXAMPLES = [name_of(file) for file in FILES if ">>> " in file.read_text()]


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_examples(module: str) -> None:
    if room_of(module) in NEED_TORCH:
        pytest.importorskip("torch")
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    found = doctest.testmod(importlib.import_module(module), optionflags=options)
    assert found.attempted > 0
    assert found.failed == 0


def test_the_page_says_which_rooms_need_torch() -> None:
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text()
    assert set(re.findall(r"^ +(\w+)/ .* needs torch$", page, re.MULTILINE)) == NEED_TORCH


def test_many_functions_have_examples() -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    shown = [one for module in WITH_EXAMPLES for one in finder.find(importlib.import_module(module)) if one.examples]
    assert len(shown) >= 60
