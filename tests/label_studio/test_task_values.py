"""Variables of a labelling config: the editor's rule for them."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihp_backend.label_studio.config.task_values import has_variables, parse_value, paths, value_at
from ihp_backend.label_studio.problems import RequestError

DATA: dict[str, Any] = {
    "image": "a.jpg", "n": 5, "x": 2.0, "yes": True, "meta": {"image": "m.jpg", "list": ["p", "q"]}, "a.b": "dotted",
    "images": ["0.jpg", {"url": "1.jpg"}], "grid": [["g"]], "größe": "u", "{k}": "braces",
}  # fmt: skip


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("$image", "a.jpg"),
        ("$meta.image", "m.jpg"),
        ("$meta[image]", "m.jpg"),
        ("$images[0]", "0.jpg"),
        ("$images.0", "0.jpg"),
        ("$images[1].url", "1.jpg"),
        ("$grid[0][0]", "g"),
        ("$a.b", "dotted"),
        ("${k}", "braces"),
        ("$meta", DATA["meta"]),
        ("$n", 5),
        ("$nowhere", None),
        ("$images[7]", None),
        ("$images[00]", None),
        ("$image[0]", None),
        ("$.image", None),
        ("http://h/$image", "http://h/a.jpg"),
        ("$image,$meta.image", "a.jpg,m.jpg"),
        ("$image ", "a.jpg "),
        ("http://h/$n/$x/$yes", "http://h/5/2/true"),
        ("of $meta.list", "of p,q"),
        ("$image. $image.", "a.jpg a.jpg"),
        ("$$image", "$a.jpg"),
        ("http://h/$/a.jpg", "http://h/$/a.jpg"),
        ("US$ 5", "US$ 5"),
        ("5$", "5$"),
        ("$-", "$-"),
        ("", ""),
    ],
)
def test_values(value: str, found: Any) -> None:
    assert parse_value(value, DATA) == found


@pytest.mark.parametrize(
    "value", ["http://h/$nowhere", "$images[-1]", "http://h/$image.jpg", "my $meta", "my $grid", "$größe"]
)
def test_a_text_with_a_variable_that_has_no_text(value: str) -> None:
    # Letters are those of ASCII, so that $größe is the variable "gr" in a text.
    with pytest.raises(RequestError, match=re.escape(f"data.{paths(value)[0]}")):
        parse_value(value, DATA)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


@given(st.text(alphabet="$ab0.[]{}/ é", max_size=12), json_values)
def test_any_value_is_read_or_refused(value: str, data: Any) -> None:
    with suppress(RequestError):
        found = parse_value(value, data)
        assert has_variables(value) or found == value
    assert value_at("", {"": value}) == value
