"""`ihp train`, `train-status` and `models` as a user runs them; the worker ends with the server that started it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ihp_backend.commands.fine_tuning import check_worker_settings
from ihp_backend.finetuning.workspace import Workspace
from ihp_backend.label_studio.backend_settings import SettingsError
from tests.commands.test_accepted import run, with_photographs
from tests.finetuning.test_accepted_set import Place
from tests.label_studio.image_server import ImageServer

ROOT = Path(__file__).parents[2]


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("IHP_DATA_DIR", str(folder))
    for name in ("LABEL_STUDIO_URL", "LABEL_STUDIO_API_KEY", "IHP_MODEL"):
        monkeypatch.delenv(name, raising=False)
    return folder


def make(workspace: Workspace, version: str, reason: str) -> None:
    with workspace.versions.making("2", version) as folder:
        (folder / "gate.json").write_text(json.dumps({"reason": reason}))
        (folder / "manifest.json").write_text(json.dumps({"from": "base"}))


def test_there_and_back_by_hand(data_dir: Path) -> None:
    workspace = Workspace(data_dir)
    assert run("models", "list", 2).stdout == "* base model\n"
    make(workspace, "0001-aa", "better")
    make(workspace, "0002-bb", "not proven better")
    assert "0001-aa serves" in run("models", "promote", 2, "0001-aa").stdout
    shown = ["* 0001-aa  better", "  0002-bb  not proven better", "  base model"]
    assert run("models", "list", 2).stdout.splitlines() == shown
    listed = json.loads(run("models", "list", 2, "--json").stdout)
    assert listed["serving"] == "0001-aa"
    assert [one["gate"] for one in listed["versions"]] == ["better", "not proven better"]
    assert json.loads(run("models", "show", 2, "0002-bb").stdout)["gate"]["reason"] == "not proven better"
    run("models", "promote", 2, "0002-bb")
    assert run("models", "rollback", 2).stdout == "project 2: 0001-aa serves\n"
    assert run("models", "rollback", 2).stdout == "project 2: the base model serves\n"
    history = [line.split("  ")[1:] for line in run("models", "history", 2).stdout.splitlines()]
    assert history == [
        ["0001-aa", "by hand"], ["0002-bb", "by hand"], ["0001-aa", "rollback"], ["base model", "rollback"],
    ]  # fmt: skip
    promotions = json.loads(run("models", "history", 2, "--json").stdout)
    assert [(one["version"], one["reason"]) for one in promotions][-1] == (None, "rollback")
    assert run("models", "prune", 2, "--keep", 1).stdout == "project 2: removed 0001-aa\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["models", "show", 2, "v9"], "project 2 has no version v9"),
        (["models", "promote", 2, "v9"], "project 2 has no version v9"),
        (["models", "rollback", 2], "served by the base model"),
        (["models", "list", ".."], "'..' is no number of a project"),
        (["train", 2, "--stop"], "no fine-tuning job runs"),
        (["train", 2], "its labelling config is not known; ihp sync 2"),
        (["train-status", 2], "; ihp train 2 runs one, --data-dir or IHP_DATA_DIR names another folder"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(data_dir: Path, arguments: list[object], message: str) -> None:
    refused = run(*arguments)
    assert refused.exit_code == 1
    assert refused.output.startswith("ihp: ")
    assert message in refused.output


@pytest.mark.parametrize("command", [["train-status"], ["models", "list"], ["accepted"]])
def test_a_folder_that_is_not_there_is_named_and_not_made(tmp_path: Path, command: list[str]) -> None:
    refused = run(*command, 2, "--data-dir", tmp_path / "elsewhere")
    assert refused.exit_code == 1
    assert f"data_dir: there is no folder {tmp_path / 'elsewhere'}; give that of ihp serve" in refused.output
    assert not (tmp_path / "elsewhere").exists()


def test_a_model_that_cannot_learn_says_so(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ImageServer() as server:
        with_photographs(server, monkeypatch, Place(data_dir), range(1, 4))
        held = run("train", 2, "--model", "ccp-deeplab")
        again = run("train", 2, "--if-due", "--every", 1, "--model", "ccp-deeplab")
        server.shutdown()
    assert held.exit_code == 1
    assert "ccp-deeplab cannot be fine-tuned; serve a live network with --model" in held.stdout
    # It failed a moment ago, and nobody asked.
    assert (again.exit_code, again.stdout) == (0, "")
    shown = run("train-status", 2)
    assert shown.stdout.startswith("project 2: failed in 0.")
    assert json.loads(run("train-status", 2, "--json").stdout)["state"] == "failed"


@pytest.mark.parametrize("command", ["worker", "serve"])
@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("IHP_FINE_TUNING_EVERY", "word", "IHP_FINE_TUNING_EVERY"),
        ("IHP_FORGET_AFTER_DAYS", "-3", "IHP_FORGET_AFTER_DAYS"),
        ("IHP_MODEL", "nowhere", "'nowhere' is neither a packaged model"),
        ("IHP_BASE_VALIDATION", "word", "IHP_BASE_VALIDATION (--base): 'word' names no data set that is there"),
        ("IHP_BASE_VALIDATION", "ccp:/not/there", "'ccp:/not/there' names no data set that is there"),
    ],
)
def test_no_worker_starts_with_settings_that_cannot_be_used(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, command: str, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    whole = [sys.executable, "-m", "ihp_backend.cli", command, "--data-dir", str(data_dir)]
    whole += ["--port", "0"] if command == "serve" else []
    ended = subprocess.run(whole, capture_output=True, text=True, timeout=60, cwd=ROOT, check=False)
    assert ended.returncode in ((1,) if command == "serve" else (1, 2)), ended.stderr
    assert said in ended.stderr
    assert "istening" not in ended.stderr


def test_the_servers_model_wins_over_the_workers_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IHP_MODEL", "nowhere")
    with pytest.raises(SettingsError, match="'nowhere' is neither a packaged model"):
        check_worker_settings()
    check_worker_settings("ccp-live")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_the_worker_ends_with_the_server(data_dir: Path, how: signal.Signals) -> None:
    command = [sys.executable, "-m", "ihp_backend.cli", "serve", "--port", "0", "--data-dir", str(data_dir)]
    with (data_dir / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=ROOT, stderr=log, stdout=log)
    try:
        worker = eventually(lambda: next(iter(working(data_dir)), None))
        assert worker
        assert eventually(lambda: "Booting worker" in (data_dir / "log").read_text())
        assert os.getpriority(os.PRIO_PROCESS, worker) >= 10
        server.send_signal(how)
        # A serving process that is still booting hears nothing: gunicorn gives it thirty seconds before it goes.
        assert server.wait(60) == (0 if how == signal.SIGTERM else -signal.SIGKILL)
        assert eventually(lambda: worker not in working(data_dir))
    finally:
        server.kill()
        for process in working(data_dir, "serve") + working(data_dir):
            os.kill(process, signal.SIGKILL)


def working(data_dir: Path, command: str = "worker") -> list[int]:
    """The processes of a command with this data folder."""
    found = []
    for place in Path("/proc").iterdir():
        if place.name.isdecimal():
            try:
                words = (place / "cmdline").read_bytes().decode().split("\0")
            except OSError:
                continue
            if command in words and str(data_dir) in words:
                found.append(int(place.name))
    return found


def eventually(look, patience: float = 30.0):  # type: ignore[no-untyped-def]
    """What ``look`` gives once it is something, or at last."""
    deadline = time.monotonic() + patience
    while not (found := look()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found
