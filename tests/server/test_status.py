from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from ihp_backend.labels import CCP

from .stand_in import StandInImages, capture


def test_a_fresh_server(client: FlaskClient) -> None:
    status = client.get("/status").get_json()
    assert status.pop("uptime_seconds") >= 0
    assert status == {
        "status": "UP",
        "model_version": "stand-in-1",
        "labels": list(CCP.names),
        "events_recorded": 0,
        "clicks_remembered": 0,
        "predictions_answered": 0,
        "no_fine_tuning": None,
        "projects": {},
        "answers": {},
        "label_mappings": {},
        "errors": [],
    }


def test_the_last_twenty_errors(client: FlaskClient) -> None:
    for number in range(25):
        client.get(f"/nowhere/{number}")
    client.get("/nowhere/24")
    errors = client.get("/status").get_json()["errors"]
    assert [error["value"] for error in errors] == [f"/nowhere/{number}" for number in range(5, 25)]
    assert [error["times"] for error in errors] == [1] * 19 + [2]
    assert set(errors[0]) == {"time", "times", "field", "value", "remedy"}


@pytest.mark.parametrize(
    "path",
    [
        *("/favicon.ico", "/robots.txt", "/apple-touch-icon.png", "/apple-touch-icon-precomposed.png"),
        *("/apple-touch-icon-120x120.png", "/.well-known/appspecific/com.chrome.devtools.json"),
    ],
)
def test_what_browsers_ask_for_unasked_is_no_error(
    client: FlaskClient, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    assert client.get(path).status_code == 204
    assert client.get("/status").get_json()["errors"] == []
    assert caplog.text == ""


def test_work_is_counted(client: FlaskClient) -> None:
    client.post("/predict", json=capture("04")["request"])
    client.post("/predict", json=capture("05")["request"])
    status = client.get("/status").get_json()
    assert (status["predictions_answered"], status["clicks_remembered"]) == (3, 3)


def test_where_no_click_ever_comes_the_page_says_so(client: FlaskClient) -> None:
    request = capture("05")["request"]
    opened = {**request, "context": None, "params": {**request.get("params", {}), "context": None}}
    for _ in range(5):
        client.post("/predict", json=opened)
    (project,) = client.get("/status").get_json()["answers"]
    assert client.get("/status").get_json()["answers"][project] == {"with_clicks": 0, "without_clicks": 5}
    hint = "5 tasks were answered, and no click ever came"
    assert hint in client.get("/status", headers={"Accept": "text/html"}).text
    client.post("/predict", json=request)
    assert client.get("/status").get_json()["answers"][project]["with_clicks"] == 1
    assert hint not in client.get("/status", headers={"Accept": "text/html"}).text


def test_a_question_without_clicks_counts_for_nothing(client: FlaskClient) -> None:
    request = capture("05")["request"]
    empty = {**request, "params": {**request["params"], "context": {"result": []}}}
    answer = client.post("/predict", json=empty).get_json()
    assert answer["results"][0]["result"] == []
    status = client.get("/status").get_json()
    assert (status["predictions_answered"], status["answers"]) == (0, {})


def test_setup_names_labels_the_model_lacks(client: FlaskClient) -> None:
    config = """<View><Image name="i" value="$image"/>
        <KeyPointLabels name="k" toName="i"><Label value="Wings"/><Label value="Top"/></KeyPointLabels>
        <BrushLabels name="b" toName="i"><Label value="Wings"/></BrushLabels></View>"""
    answer = client.post("/setup", json={"project": "3.1", "schema": config}).get_json()
    assert answer["labels"]["matched"] == {"background": ["background"], "Top": ["upper clothes"]}
    assert answer["labels"]["unmatched"] == {"Wings": "the model has no such label"}
    assert answer["labels"]["without_brush"] == ["Top"]
    assert "hat" in answer["labels"]["unused"]
    assert answer["labels"]["any_labels"] is False


def test_the_status_says_which_labels_become_which(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    config = """<View><Image name="i" value="$image"/><BrushLabels name="b" toName="i"><Label value="shoes"/>
        <Label value="wings"/><Label value="top" predicted_values="coat, feathers"/></BrushLabels></View>"""
    with caplog.at_level("INFO"):
        answer = client.post("/setup", json={"project": "3.1", "schema": config}).get_json()
    told = answer["labels"]["summary"]
    assert told.startswith(
        "3 labels known to the model, shoes (left shoe, right shoe), top (coat); 1 new to it, wings; "
    )
    assert f"project '3' set up: {told}" in caplog.text
    assert (answer["error"]["field"], answer["error"]["value"]) == ("label_config", "feathers")
    status = client.get("/status")
    assert status.get_json()["label_mappings"]["3"]["matched"]["shoes"] == ["left shoe", "right shoe"]
    page = client.get("/status", headers={"Accept": "text/html"}).text
    for text in ("<h2>Project 3</h2>", "<td>left shoe, right shoe</td>", "<td>predicted values</td>", "wings"):
        assert text in page


def test_whoever_asks_without_an_address_leaves_the_known_one(client: FlaskClient, images: StandInImages) -> None:
    request = capture("04")["request"]
    told = {"project": request["project"], "hostname": "http://studio", "access_token": "a token"}
    client.post("/setup", json=told)
    client.post("/setup", json={"project": request["project"], "schema": ""})
    client.post("/predict", json=request)
    assert {(hostname, token) for _, hostname, token in images.fetched} == {("http://studio", "a token")}
