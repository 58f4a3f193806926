"""The demonstration's decisions, without its servers: settings, account, resuming, stopping, labelling config."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest
from defusedxml import ElementTree

from examples.demo import processes
from examples.demo.demonstration import must_begin_again
from examples.demo.label_studio import Account, environment
from examples.demo.project import missing_photographs, upload_name, uploaded_name
from examples.demo.settings import (
    LABELLING_CONFIG,
    PHOTOGRAPHS,
    SettingError,
    Settings,
    load_account,
    photographs,
    taken_port_message,
)
from ihp_backend.labels import CCP


class TestSettings:
    def test_defaults(self) -> None:
        settings = Settings.from_environment({"LABEL_STUDIO_PORT": "", "IMAGES": ""})
        assert (settings.label_studio_port, settings.backend_port, settings.images) == (8080, 9090, PHOTOGRAPHS)

    @pytest.mark.parametrize(
        ("environment", "said"),
        [
            ({"BACKEND_PORT": "80a"}, "BACKEND_PORT is '80a'"),
            ({"LABEL_STUDIO_PORT": "80"}, "LABEL_STUDIO_PORT is '80'"),
            ({"LABEL_STUDIO_PORT": "70000"}, "make demo LABEL_STUDIO_PORT=8080"),
            ({"LABEL_STUDIO_PORT": "9090"}, "LABEL_STUDIO_PORT and BACKEND_PORT are both 9090"),
        ],
    )
    def test_refuses_ports_that_cannot_be(self, environment: dict[str, str], said: str) -> None:
        with pytest.raises(SettingError, match=said):
            Settings.from_environment(environment)

    def test_a_taken_port_is_noticed_and_its_variable_named(self) -> None:
        with socket.socket() as taken:
            taken.bind((processes.LOOPBACK, 0))
            taken.listen()
            port = taken.getsockname()[1]
            assert not processes.port_is_free(port)
            assert not processes.port_becomes_free(port, patience=0.2)
        assert processes.port_becomes_free(port, patience=2)
        assert taken_port_message("BACKEND_PORT", 9090, "the backend") == (
            "Port 9090 for the backend is taken by another program. Stop that program, or choose another port: "
            "make demo BACKEND_PORT=9091"
        )

    def test_photographs_of_a_folder(self, tmp_path: Path) -> None:
        for name in ("b.PNG", "a.jpg", "notes.txt"):
            (tmp_path / name).touch()
        assert [path.name for path in photographs(tmp_path)] == ["a.jpg", "b.PNG"]
        with pytest.raises(SettingError, match="not a folder"):
            photographs(tmp_path / "nowhere")
        (tmp_path / "empty").mkdir()
        with pytest.raises(SettingError, match="holds no image"):
            photographs(tmp_path / "empty")


class TestAccount:
    def test_is_kept_and_readable_by_its_owner_only(self, tmp_path: Path) -> None:
        account = load_account(tmp_path)
        assert load_account(tmp_path) == account
        assert stat.S_IMODE((tmp_path / "account.json").stat().st_mode) == 0o600
        assert len(account.password) >= 16
        assert len(account.token) == 40
        assert Account.random() != account

    def test_a_damaged_file_is_named_with_its_remedy(self, tmp_path: Path) -> None:
        (tmp_path / "account.json").write_text('{"email": "a@example.com"')
        with pytest.raises(SettingError, match=r"account\.json.*make demo-reset"):
            load_account(tmp_path)

    def test_does_not_show_in_the_command_and_shields_from_the_shell(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("POSTGRE_HOST", "elsewhere")
        monkeypatch.setenv("HTTP_PROXY", "http://elsewhere")
        found = environment(tmp_path, Account.random())
        assert not {"POSTGRE_HOST", "HTTP_PROXY"} & found.keys()
        assert found["SSRF_PROTECTION_ENABLED"] == found["ML_BLOCK_LOCAL_IP"] == "false"


class TestResuming:
    def test_only_missing_photographs_are_imported(self) -> None:
        wanted = [Path("x/anna.jpg"), Path("x/my photo.JPG"), Path("x/my_photo.jpg")]
        names = [upload_name(path) for path in wanted]
        assert len(set(names)) == 3
        tasks = [{"data": {"image": f"/data/upload/1/0123abcd-{names[0]}"}}, {"data": {"text": "something else"}}]
        assert uploaded_name(tasks[0]) == "anna.jpg"
        assert missing_photographs(wanted, tasks) == wanted[1:]

    @pytest.mark.parametrize(("data", "ready", "again"), [(1, 0, True), (1, 1, False), (0, 0, False), (0, 1, False)])
    def test_an_unfinished_first_start_begins_again(self, tmp_path: Path, data: int, ready: int, again: bool) -> None:
        if data:
            (tmp_path / "data").mkdir()
        if ready:
            (tmp_path / "ready").touch()
        assert must_begin_again(tmp_path / "data", tmp_path / "ready") is again


class TestLabellingConfig:
    TOOLS = frozenset("vbehkmru")

    def test_offers_the_default_models_labels_twice(self) -> None:
        view = ElementTree.fromstring(LABELLING_CONFIG.read_text())
        for tag in ("KeyPointLabels", "BrushLabels"):
            assert tuple(label.get("value") for label in view.iterfind(f".//{tag}/Label")) == CCP.names

    def test_clicks_are_smart_and_masks_hidden(self) -> None:
        view = ElementTree.fromstring(LABELLING_CONFIG.read_text())
        [clicks] = view.iterfind(".//KeyPointLabels")
        assert (clicks.get("smart"), clicks.get("smartOnly")) == ("true", "true")
        [masks] = view.iterfind("./View[@style='display:none']/BrushLabels")
        assert masks.get("smart") == "false"

    def test_hotkeys_clash_with_nothing(self) -> None:
        view = ElementTree.fromstring(LABELLING_CONFIG.read_text())
        keys = [label.get("hotkey") for label in view.iter("Label")]
        assert None not in keys
        assert len(set(keys)) == len(keys)
        assert not self.TOOLS & set(keys)


def test_photographs_are_small_and_their_licences_told() -> None:
    told = (PHOTOGRAPHS / "README.md").read_text()
    for path in photographs(PHOTOGRAPHS):
        assert path.stat().st_size < 300_000
        assert f"`{path.name}`" in told
