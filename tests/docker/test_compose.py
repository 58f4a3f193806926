"""The compose files are what Docker Compose takes, and hang together."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest
import yaml

from examples.demo import label_studio

from .images import ROOT, beginning, stages

FOLDER = ROOT / "docker"
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]


def check(*files: str) -> subprocess.CompletedProcess[str]:
    """Against the schema of the Compose Specification."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", *files]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_the_files_are_of_the_schema() -> None:
    done = check(*(str(path) for path in FOLDER.glob("compose*.yaml")))
    assert done.returncode == 0, done.stdout


def test_the_schema_refuses_what_it_does_not_know(tmp_path: Any) -> None:
    wrong = tmp_path / "compose.yaml"
    wrong.write_text((FOLDER / "compose.yaml").read_text().replace("read_only: true", "readonly: true"))
    assert "readonly" in check(str(wrong)).stdout


def test_what_is_named_is_there() -> None:
    for service in SERVICES.values():
        assert set(service["secrets"]) <= COMPOSE["secrets"].keys()
        assert {mount.partition(":")[0] for mount in service["volumes"]} <= COMPOSE["volumes"].keys()
        assert service.get("depends_on", {}).keys() <= SERVICES.keys()
        if "build" in service:
            assert service["build"]["target"] in stages()
            assert (FOLDER / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
    named = set(re.findall(r"/run/secrets/(\w+)", str(SERVICES)))
    assert named == COMPOSE["secrets"].keys()


@pytest.mark.parametrize("name", ["backend", "worker"])
def test_our_containers_are_confined_and_share_the_data(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"]
    assert (service["cap_drop"], service["security_opt"]) == (["ALL"], ["no-new-privileges:true"])
    assert service["volumes"] == [f"backend:{beginning(service['build']['target']).volume}"]
    code = "".join(path.read_text() for path in (ROOT / "ihp_backend").rglob("*.py"))
    assert all(f'"{variable}"' in code for variable in service["environment"]), "a setting that nothing reads"


def test_nothing_listens_beyond_this_machine() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert len(ports) == 2
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_label_studio_is_the_one_that_the_tests_run_and_as_quiet() -> None:
    service = SERVICES["label-studio"]
    assert service["image"] == f"heartexlabs/label-studio:{label_studio.VERSION}"
    other_here = {"ML_BLOCK_LOCAL_IP", "SSRF_PROTECTION_ENABLED", "LABEL_STUDIO_HOST"}
    quiet = {name: value for name, value in label_studio.SETTINGS.items() if name not in other_here}
    assert quiet.items() <= service["environment"].items()


def test_secrets_stay_out_of_git() -> None:
    for secret in COMPOSE["secrets"].values():
        path = f"docker/{secret['file']}"
        assert subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT, check=False).returncode == 0, path
