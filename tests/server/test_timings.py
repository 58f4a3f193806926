"""What /predict says of the time it took."""

from __future__ import annotations

import gzip
import json
import logging
import re

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ihp_backend.server import predict

from .stand_in import capture


@pytest.mark.parametrize(
    ("number", "stages"),
    [
        ("10", ["reading", "config", "clicks", "photograph", "waiting", "model", "masks", "writing", "total"]),
        ("04", ["reading", "config", "photograph", "waiting", "model", "masks", "writing", "total"]),
        ("17", ["reading", "writing", "total"]),  # No clicks: nothing to be done.
    ],
)
def test_the_header_and_the_log_name_the_stages(
    client: FlaskClient, caplog: pytest.LogCaptureFixture, number: str, stages: list[str]
) -> None:
    with caplog.at_level(logging.INFO, "ihp_backend.label_studio.predict.batches"):
        answer = client.post("/predict", json=capture(number)["request"])
    assert answer.status_code == 200
    told = re.findall(r"(\w+);dur=([\d.]+)", answer.headers["Server-Timing"])
    assert [name for name, _ in told] == stages
    *parts, (_, total) = told
    if number != "04":  # The tasks of a batch are answered side by side.
        assert sum(float(value) for _, value in parts) <= float(total) + 1
    assert re.search(r"\(reading \d+, .*total \d+ ms\)", caplog.text)


@pytest.mark.parametrize(("sender", "packed"), [("127.0.0.1", False), ("10.0.0.5", True)])
def test_an_answer_over_a_network_is_packed(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, sender: str, packed: bool
) -> None:
    monkeypatch.setattr(predict, "WORTH_PACKING", 100)

    def ask(**headers: str) -> TestResponse:
        return client.post(
            "/predict", json=capture("10")["request"], headers=headers, environ_base={"REMOTE_ADDR": sender}
        )

    plain, answer = ask(), ask(**{"Accept-Encoding": "gzip, deflate"})
    assert "Content-Encoding" not in plain.headers
    assert (answer.headers.get("Content-Encoding") == "gzip") == packed
    content = gzip.decompress(answer.data) if packed else answer.data
    assert json.loads(content) == plain.get_json()
    assert int(answer.headers["Content-Length"]) == len(answer.data)
