from __future__ import annotations

import pytest

from ihp_backend.label_studio.problems import problem, without_query


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see http://a:p@ss@b/c and 'http://a:p/s@b/c'", "see http://b/c and 'http://b/c'"),
        ("http://host:8080/a@b.jpg", "http://host:8080/a@b.jpg"),
        ("https://a.example/x.jpg?X-Sig=abc&y=1: 404", "https://a.example/x.jpg?... 404"),
        ("see 'https://me:secret@a.example/x.jpg'", "see 'https://a.example/x.jpg'"),
        ("/data/local-files/?d=people/1.jpg", "/data/local-files/?d=people/1.jpg"),
        ("what? a = b", "what? a = b"),
        ("a 'data:image/png;base64,iVBORw0KGgo=' and Data:,x", "a 'data:image/png;base64,...' and Data:,..."),
    ],
)
def test_addresses_are_told_without_credentials(text: str, shown: str) -> None:
    assert without_query(text) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "None"),
        (3.5, "3.5"),
        ([1] * 1000, "list of 1000"),
        ({"rle": []}, "dict of 1"),
        ("a" * 300, "a" * 197 + "..."),
    ],
)
def test_values_are_shortened(value: object, shown: str) -> None:
    assert problem("field", value, "remedy").value == shown


@pytest.mark.timeout(60)  # Hours, where the search begins anew everywhere.
@pytest.mark.parametrize("piece", ["a.", "?", "?a", "a://:", "a://b/", "a://b@", "a://:1/", "@", "a:"])
@pytest.mark.parametrize("end", ["", "@", " @", "="])
def test_a_long_text_is_shortened_at_once(piece: str, end: str) -> None:
    assert len(problem("field", piece * 300_000 + end, "remedy").value) <= 200


def test_of_a_long_text_nothing_secret_is_left() -> None:
    told = problem("field", "http://me:" + "x" * 100_000 + "/y@host/a?" + "z" * 100_000 + "=1", "remedy").value
    assert told == "http://host/a?..."
