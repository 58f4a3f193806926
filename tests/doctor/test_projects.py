"""What is named of a project: webhooks, labelling config, labels, photographs."""

from __future__ import annotations

from typing import Any

import pytest

from ihp_backend.doctor.examination import examine_servers
from tests.doctor.conftest import CONFIG, Break, StandInInstallation
from tests.label_studio.image_server import sends, status
from tests.server.stand_in import photograph

SIMPLE = """<View><Image name="image" value="$image"/>
<KeyPointLabels name="click" toName="image" smart="true" smartOnly="true"><Label value="hat"/></KeyPointLabels>
<BrushLabels name="part" toName="image" smart="false"><Label value="hat"/></BrushLabels></View>"""

PAGES = SIMPLE.replace('value="$image"', 'valueList="$images"')


def _config(text: str) -> Break:
    def break_it(installation: StandInInstallation) -> None:
        installation.answers("/api/projects/7/", {**installation.project, "label_config": text})

    return break_it


def _no_webhook(installation: StandInInstallation) -> None:
    installation.answers("/api/webhooks/", [])


def _sleeping_webhook(installation: StandInInstallation) -> None:
    installation.answers("/api/webhooks/", [{**installation.hook, "is_active": False}])


def _twice(installation: StandInInstallation) -> None:
    installation.answers("/api/webhooks/", [installation.hook, {**installation.hook, "id": 6}])


def _left_behind(installation: StandInInstallation) -> None:
    left = {**installation.hook, "id": 6, "url": "http://127.0.0.1:9/webhook"}
    installation.answers("/api/webhooks/", [installation.hook, left])


def _unknown_label(installation: StandInInstallation) -> None:
    told = {"matched": {"hat": ["hat"]}, "unmatched": {"tail": "the model has no such label"}, "unused": ["shoe"]}
    installation.answers("/setup", {"labels": told})


def _wrong_predicted_values(installation: StandInInstallation) -> None:
    told = {"matched": {"hat": ["hat"]}, "unmatched": {}, "not_found": {"hat": ["crown"]}}
    installation.answers("/setup", {"labels": told})


def _foreign_labels(installation: StandInInstallation) -> None:
    installation.answers("/setup", {"labels": {"matched": {}, "unmatched": {"tail": "no such label"}}})


def _no_brush(installation: StandInInstallation) -> None:
    installation.answers("/setup", {"labels": {"matched": {"hat": ["hat"]}, "without_brush": ["hat"]}})


def _no_photograph(installation: StandInInstallation) -> None:
    installation.server.routes["/data/upload/7/a.jpg"] = status(404)
    remedy = "image /data/upload/7/a.jpg: status 404; no such file"
    error = {"field": "data.image", "value": "/data/upload/7/a.jpg", "remedy": remedy}
    installation.answers("/predict", {"results": [{"result": [], "error": error}]})


def _large_photograph(installation: StandInInstallation) -> None:
    installation.server.routes["/data/upload/7/a.jpg"] = sends(photograph(5000, 4000), "image/jpeg")


def _no_picture(installation: StandInInstallation) -> None:
    installation.server.routes["/data/upload/7/a.jpg"] = sends(b"no picture", "image/jpeg")


def _other_key(installation: StandInInstallation) -> None:
    installation.answers("/api/tasks/", {"tasks": [{"id": 9, "data": {"photo": "a.jpg"}}], "total": 1})


def _pages(*addresses: object) -> Break:
    """A project of tasks with several photographs, of which the one task has these."""

    def break_it(installation: StandInInstallation) -> None:
        _config(PAGES)(installation)
        tasks = [{"id": 9, "data": {"images": list(addresses)}}]
        installation.answers("/api/tasks/", {"tasks": tasks, "total": 1})

    return break_it


DYNAMIC = """<View><Image name="image" value="$meta.image"/>
<KeyPointLabels name="click" toName="image" smart="true" smartOnly="true" value="$parts"/>
<BrushLabels name="part" toName="image" smart="false" value="$parts"/></View>"""
SHOTS = """<View><Repeater on="$shots"><Image name="i_{{idx}}" value="$shots[{{idx}}]"/>
<KeyPointLabels name="k_{{idx}}" toName="i_{{idx}}" smart="true" smartOnly="true"><Label value="hat"/></KeyPointLabels>
<BrushLabels name="b_{{idx}}" toName="i_{{idx}}" smart="false"><Label value="hat"/></BrushLabels></Repeater></View>"""


def _from_tasks(config: str, **data: Any) -> Break:
    """A project whose config takes things from tasks, of which the one task has these data."""

    def break_it(installation: StandInInstallation) -> None:
        _config(config)(installation)
        installation.answers("/setup", {"labels": {"matched": {}, "unmatched": {}}})
        installation.answers("/api/tasks/", {"tasks": [{"id": 9, "data": data}], "total": 1})

    return break_it


def _no_tasks(installation: StandInInstallation) -> None:
    installation.answers("/api/tasks/", {"tasks": [], "total": 0})
    installation.answers("/api/ml/3", installation.backend)


def _failing_model(installation: StandInInstallation) -> None:
    installation.answers("/predict", {"error": "out of memory"}, 500)


@pytest.mark.parametrize(
    ("break_it", "check", "level", "found", "remedy"),
    [
        (_no_webhook, "webhook", "error", "missing", "Add Webhook"),
        (_sleeping_webhook, "webhook", "error", "is_active off", "Settings, Webhooks"),
        (_twice, "webhook", "warning", "more than once", "delete one"),
        (_left_behind, "stale webhook", "warning", "http://127.0.0.1:9/webhook leads to no", "delete it"),
        (_config(CONFIG.replace('smart="false"', "")), "smart brush", "error", "part:", 'smart="false"'),
        (_config(CONFIG.replace('smartOnly="true"', "")), "click tool", "warning", "plain", 'smartOnly="true"'),
        (_config(CONFIG.replace('smart="true"', 'smart="false"')), "click tool", "error", "nothing that", "Key"),
        (_config(CONFIG.replace('"t"', '"b"')), "hotkeys", "warning", "'b' chooses a tool, and 'hat'", "own"),
        (_config(CONFIG.replace('"t"', '"a"')), "hotkeys", "warning", "'a' chooses 'hat' of click and 'hair'", "own"),
        (_config(""), "labelling config", "error", "no <Image>", "ihp config"),
        (_config('<View><Image name="i" value="$i"/></View>'), "labelling config", "error", "<BrushLabels>", "ihp"),
        (_unknown_label, "labels", "warning", "'tail' (the model has no such label)", "shoe"),
        (_foreign_labels, "labels", "error", "tail", "rename"),
        (_wrong_predicted_values, "labels", "warning", "'crown'", "ihp labels 7"),
        (_no_brush, "masks", "error", "hat", "<BrushLabels>"),
        (_no_photograph, "photograph", "error", "status 404", "no such file"),
        (_large_photograph, "photograph", "warning", "5000 x 4000 pixels", "2000 pixels"),
        (_no_picture, "photograph", "error", "no photograph", "JPEG"),
        (_other_key, "photograph", "error", "task 9 has no 'image'", "import"),
        (_pages(), "photograph", "error", "task 9 has no 'images'", "a list of the images' addresses"),
        (_pages("/data/upload/7/a.jpg", 5), "photograph", "error", "task 9 has no 'images'", "one address per image"),
        (_from_tasks(DYNAMIC, meta={"image": "a"}), "photograph", "error", "task 9 has no 'parts'", "with its labels"),
        (
            _from_tasks(DYNAMIC, parts=[{"value": "hat"}]),
            "photograph",
            "error",
            "no 'meta.image'",
            "the image's address",
        ),
        (
            _from_tasks(SHOTS, shots="a.jpg"),
            "photograph",
            "error",
            "task 9 has no 'shots'",
            "import the task with a list",
        ),
        (
            _from_tasks(SHOTS.replace("$shots", "s", 1)),
            "labelling config",
            "error",
            "<Repeater on='s'>",
            "as in $shots",
        ),
        (_no_tasks, "photographs", "warning", "no tasks", "import"),
        (_failing_model, "first click", "error", "status 500: out of memory", "log"),
    ],
)
def test_named(
    installation: StandInInstallation, break_it: Break, check: str, level: str, found: str, remedy: str
) -> None:
    break_it(installation)
    if check == "photograph" and "no photograph" in found:
        # The backend says the same of it; without a backend it is said from here.
        installation.answers("/health", {}, 503)
    installation.must_name(check, level, found, remedy, project=7)


def test_a_config_without_hotkeys_is_fine_while_no_tool_is_touched(installation: StandInInstallation) -> None:
    _config(SIMPLE)(installation)
    assert installation.wrong() == {}


def test_of_several_photographs_the_first_is_clicked(installation: StandInInstallation) -> None:
    _pages("/data/upload/7/a.jpg", "/data/upload/7/b.jpg")(installation)
    findings = installation.examine(7)
    assert {finding.level for finding in findings.values()} == {"ok"}
    assert findings["photograph"].found.startswith("task 9: ")
    assert {"first click", "click"} <= findings.keys()


def test_a_live_model_takes_labels_that_it_has_never_seen(installation: StandInInstallation) -> None:
    told = {"matched": {"hat": ["hat"]}, "unmatched": {"tail": "the model has no such label"}, "any_labels": True}
    installation.answers("/setup", {"labels": told})
    assert "labels" not in installation.wrong()


@pytest.mark.parametrize(("with_clicks", "told"), [(0, True), (1, False)])
def test_a_project_in_which_nobody_ever_clicks(installation: StandInInstallation, with_clicks: int, told: bool) -> None:
    counts = {"7": {"without_clicks": 5, "with_clicks": with_clicks}, "8": {"without_clicks": 4, "with_clicks": 0}}
    installation.answers("/status", {"answers": counts, "errors": [], "events_recorded": 0})
    found = installation.wrong()
    assert ("clicks" in found) == told
    if told:
        assert found["clicks"].level == "warning"
        assert found["clicks"].found.startswith("5 tasks of project 7 were answered")
        assert "pink key-point tool" in found["clicks"].remedy


def test_no_click_of_the_doctor_is_remembered(installation: StandInInstallation) -> None:
    list(examine_servers(installation.case()))
    bodies = [asked.body for asked in installation.server.asked if asked.path == "/predict"]
    assert len(bodies) == 2
    assert all(b'"id": 9' not in body for body in bodies)


def test_tasks_from_beginning_middle_and_end(installation: StandInInstallation) -> None:
    task = {"id": 9, "data": {"image": "/data/upload/7/a.jpg"}}
    installation.answers("/api/tasks/", {"tasks": [task], "total": 9})
    list(examine_servers(installation.case(7)))
    asked = [asked.path for asked in installation.server.asked if asked.path.startswith("/api/tasks/")]
    assert [path.partition("&page=")[2].partition("&")[0] for path in asked] == ["1", "5", "9"]


@pytest.mark.parametrize(
    "break_it",
    [
        _from_tasks(DYNAMIC, meta={"image": "/data/upload/7/a.jpg"}, parts=[{"value": "tail"}]),
        _from_tasks(SHOTS, shots=["/data/upload/7/a.jpg"]),
    ],
)
def test_a_config_that_takes_things_from_tasks(installation: StandInInstallation, break_it: Break) -> None:
    break_it(installation)
    findings = installation.examine(7)
    assert {finding.level for finding in findings.values()} == {"ok"}
    assert "data." in findings["labelling config"].found
    assert "click of" in findings["click"].found
