"""The services of a team: they hang together, and their scripts and nginx do what they are there for."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg
import pytest
import requests
import yaml

from examples.demo import processes
from examples.demo.client import LabelStudioUser
from examples.demo.processes import LOOPBACK, free_port
from ihp_backend.server.credentials import LOOK, PREDICT, TEACH, read_credentials
from tests.conftest import s3_environment
from tests.contract.conftest import LABEL_STUDIO_ENVIRONMENT, require_label_studio
from tests.postgresql_server import PASSWORD, PostgresqlServer

from .images import ROOT, beginning, stages
from .test_compose import SERVICES as FOR_ONE_MACHINE

FOLDER = ROOT / "docker"
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.team.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = ("backend-1", "backend-2", "worker")
NAME = "studio.example.com"


def test_what_is_named_is_there() -> None:
    used = set[str]()
    for service in SERVICES.values():
        used |= set(service.get("secrets", ()))
        mounted = {mount.partition(":")[0] for mount in service.get("volumes", ())}
        files = {mount for mount in mounted if mount.startswith("./")}
        assert mounted - files <= COMPOSE["volumes"].keys()
        assert all((FOLDER / file).exists() for file in files)
        assert service.get("depends_on", {}).keys() <= SERVICES.keys()
        if "build" in service:
            assert service["build"]["target"] in stages()
    assert used == COMPOSE["secrets"].keys()
    for service in SERVICES.values():
        read = {name.rstrip(")\"'") for name in re.findall(r"/run/secrets/(\w+)", str(service))}
        assert read <= set(service.get("secrets", ()))


def test_images_have_versions() -> None:
    for service in SERVICES.values():
        if "image" in service:
            assert re.search(r":(v?\d+\.\d+|RELEASE\.\d{4})", service["image"]), service["image"]
    assert SERVICES["label-studio"]["image"] == FOR_ONE_MACHINE["label-studio"]["image"]


def test_only_nginx_is_reached_from_outside() -> None:
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert ports == {"nginx": ["${TEAM_PORT:-443}:8443", "127.0.0.1:${BACKEND_PORT:-9443}:9443"]}


def test_no_password_is_in_the_file() -> None:
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|TOKEN|KEY", variable) and not variable.endswith("_KEY_ID"):
                assert value.startswith("/run/secrets/") or value == "true", f"{name}: {variable}"
    for name in ("ihp_database_password", "storage_password"):
        assert f'="$$(cat /run/secrets/{name})"' in SERVICES["worker"]["entrypoint"][2]
    for secret in COMPOSE["secrets"].values():
        path = f"docker/{secret['file']}"
        assert subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT, check=False).returncode == 0, path


def test_every_setting_of_ours_is_known() -> None:
    pages = "".join((ROOT / "docs" / f"{page}.md").read_text() for page in ("settings", "shared-storage"))
    for name in OURS:
        assert SERVICES[name]["environment"] == SERVICES["backend-1"]["environment"]
        for variable in SERVICES[name]["environment"]:
            # Which region a server of S3's protocol is in matters to nobody but S3's clients.
            assert f"`{variable}`" in pages or variable == "AWS_DEFAULT_REGION", variable


def test_ours_are_confined_and_have_data_of_their_own() -> None:
    for name in OURS:
        service = SERVICES[name]
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
        assert service["volumes"] == [f"{name}:{beginning(service['build']['target']).volume}"]
    quiet = {"COLLECT_ANALYTICS", "LATEST_VERSION_CHECK", "SENTRY_DSN", "USER_ADDITIONAL_BANNED_SUBNETS"}
    one, team = (services["label-studio"]["environment"] for services in (FOR_ONE_MACHINE, SERVICES))
    assert {name: one[name] for name in quiet} == {name: team[name] for name in quiet}


def test_prometheus_and_grafana_ask_those_that_are_there() -> None:
    (job,) = yaml.safe_load((FOLDER / "prometheus" / "team.yaml").read_text())["scrape_configs"]
    assert job["static_configs"] == [{"targets": [f"{name}:9090" for name in OURS if name != "worker"]}]
    assert job["basic_auth"]["password_file"].removeprefix("/run/secrets/") in SERVICES["prometheus"]["secrets"]
    provisioning = FOLDER / "grafana" / "provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources" / "prometheus.yaml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"
    assert "prometheus" in SERVICES
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "ihp.yaml").read_text())["providers"]
    mounted = [mount.split(":")[1] for mount in SERVICES["grafana"]["volumes"]]
    assert f"{provider['options']['path']}/dashboard.json" in mounted
    assert (
        json.loads((FOLDER / "grafana" / "dashboard.json").read_text())["templating"]["list"][0]["query"]
        == source["type"]
    )


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the script makes."""
    folder = tmp_path_factory.mktemp("team")
    shutil.copy(FOLDER / "team-secrets.sh", folder)
    subprocess.run(["sh", str(folder / "team-secrets.sh"), NAME], check=True, capture_output=True)
    return folder / "secrets"


def test_the_secrets_are_made_once_and_fit(secrets: Path) -> None:
    assert {path.name for path in secrets.iterdir()} == COMPOSE["secrets"].keys()
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    before = {path.name: path.read_text() for path in secrets.iterdir()}
    studio, monitoring = read_credentials(secrets / "backend_credentials")
    assert (studio.rights, monitoring.rights) == ({PREDICT, TEACH}, {LOOK})
    job = yaml.safe_load((FOLDER / "prometheus" / "team.yaml").read_text())["scrape_configs"][0]
    assert (monitoring.name, monitoring.secret) == (
        job["basic_auth"]["username"],
        before["monitoring_password"].strip(),
    )
    assert re.fullmatch(r"[0-9a-f]{40}\n", before["label_studio_token"])
    passwords = [text for name, text in before.items() if name.endswith(("password", "token"))]
    assert len(set(passwords)) == len(passwords)
    subprocess.run(["sh", str(secrets.parent / "team-secrets.sh"), NAME], check=True, capture_output=True)
    assert {path.name: path.read_text() for path in secrets.iterdir()} == before
    done = subprocess.run(["sh", str(secrets.parent / "team-secrets.sh")], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "give the name by which annotators reach this machine" in done.stderr


def test_each_has_a_database_and_reaches_no_other(postgresql: PostgresqlServer, secrets: Path, tmp_path: Path) -> None:
    if shutil.which("psql") is None:
        pytest.skip("psql is not installed: apt-get install postgresql-client")
    script = tmp_path / "databases.sh"
    script.write_text((FOLDER / "postgresql" / "databases.sh").read_text().replace("/run/secrets", str(secrets)))
    reached = {"PGHOST": LOOPBACK, "PGPORT": str(postgresql.port), "PGPASSWORD": PASSWORD, "POSTGRES_USER": "ihp"}
    # The tests' server has a role of that name; the image's has none.
    script.write_text(script.read_text().replace("label_studio ihp;", "label_studio ihp_of_team;"))
    (secrets / "ihp_of_team_database_password").write_text((secrets / "ihp_database_password").read_text())
    try:
        subprocess.run(["sh", str(script)], env={**os.environ, **reached}, check=True, timeout=60)
    finally:
        (secrets / "ihp_of_team_database_password").unlink()
    at = f"{LOOPBACK}:{postgresql.port}"
    for name, other in (("label_studio", "ihp_of_team"), ("ihp_of_team", "label_studio")):
        password = (secrets / f"{name.removesuffix('_of_team')}_database_password").read_text().strip()
        with psycopg.connect(f"postgresql://{name}:{password}@{at}/{name}") as connection:
            connection.execute("CREATE SCHEMA a CREATE TABLE t (x int)")
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            psycopg.connect(f"postgresql://{name}:{password}@{at}/{other}")


def test_commands_of_ours_find_database_and_storage(
    postgresql: PostgresqlServer, s3_server: str, secrets: Path, tmp_path: Path
) -> None:
    """The shell that starts them, the bucket's maker and the settings, as they are in the file."""

    def run(service: str, *arguments: str) -> str:
        said = SERVICES[service]
        *shell, script, name = [*said["entrypoint"], "ihp"][:4]
        script = script.replace("$$", "$").replace("/run/secrets", str(secrets))
        place = postgresql.text("team").replace(PASSWORD, "").replace("ihp:@", "ihp@")
        settings = {name: value.replace("/run/secrets", str(secrets)) for name, value in said["environment"].items()}
        settings |= {"AWS_ENDPOINT_URL": s3_server, "IHP_DATA_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
        settings |= {"IHP_DATABASE": place} if "IHP_DATABASE" in settings else {}
        there = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}
        done = subprocess.run(
            [*shell, script, name, *arguments],
            env={**there, **settings},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert set(s3_environment("")) - {"AWS_SECRET_ACCESS_KEY"} <= SERVICES["backend-1"]["environment"].keys()
    before = (secrets / "ihp_database_password").read_text()
    (secrets / "ihp_database_password").write_text(f"{PASSWORD}\n")
    try:
        run("storage-bucket")
        assert run("backend-1", "models", "list", "2") == "* base model\n"
        run("worker", "backup", str(tmp_path / "backup.tar"))
    finally:
        (secrets / "ihp_database_password").write_text(before)
    assert (tmp_path / "backup.tar").is_file()


@pytest.mark.label_studio
@pytest.mark.slow
def test_label_studio_keeps_its_projects_in_postgresql(
    postgresql: PostgresqlServer, secrets: Path, tmp_path: Path
) -> None:
    """As the file starts it, and behind a server with TLS: its pages take forms from there."""
    require_label_studio()
    administrator = f"postgresql://ihp:{PASSWORD}@{LOOPBACK}:{postgresql.port}"
    with psycopg.connect(f"{administrator}/postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE label_studio_of_team")
    said, port = SERVICES["label-studio"], free_port()
    script = said["entrypoint"][-1].replace("$$", "$").replace("/run/secrets", str(secrets))
    script = script.replace("start --no-browser", f"start --no-browser --internal-host {LOOPBACK}")
    password = secrets / "label_studio_database_password"
    before = password.read_text()
    password.write_text(PASSWORD)
    settings = {name: re.sub(r"\$\{TEAM_HOST:.*?\}", NAME, value) for name, value in said["environment"].items()}
    user = "administrator@example.com"
    there = {
        "POSTGRE_HOST": LOOPBACK, "POSTGRE_PORT": str(postgresql.port), "POSTGRE_NAME": "label_studio_of_team",
        "POSTGRE_USER": "ihp", "LABEL_STUDIO_USERNAME": user, "LABEL_STUDIO_PORT": str(port),
        "LABEL_STUDIO_BASE_DATA_DIR": str(tmp_path / "data"),
        "PATH": f"{LABEL_STUDIO_ENVIRONMENT}/bin:{os.environ['PATH']}", "HOME": str(tmp_path),
    }  # fmt: skip
    assert there.keys() - {"PATH", "HOME", "LABEL_STUDIO_PORT", "LABEL_STUDIO_BASE_DATA_DIR"} <= settings.keys()
    server = processes.Server(
        "label-studio", ["sh", "-c", script], {**settings, **there}, health_url=f"http://{LOOPBACK}:{port}/health",
        log=tmp_path / "label-studio.log", record=tmp_path / "label-studio.json",
    )  # fmt: skip
    try:
        processes.wait_until_healthy(server, processes.start(server), timeout=600)
        with requests.Session() as browser:
            page = f"http://{LOOPBACK}:{port}/user/login/"
            browser.headers.update({"Origin": f"https://{NAME}", "Referer": f"https://{NAME}/user/login/"})
            browser.get(page, timeout=60)
            form = {"email": user, "password": (secrets / "label_studio_password").read_text().strip(),
                    "csrfmiddlewaretoken": browser.cookies["csrftoken"]}  # fmt: skip
            assert browser.post(page, form, timeout=60, allow_redirects=False).status_code == 302
            assert browser.get(f"http://{LOOPBACK}:{port}/api/current-user/whoami", timeout=60).json()["email"] == user
        client = LabelStudioUser(f"http://{LOOPBACK}:{port}", (secrets / "label_studio_token").read_text().strip())
        number = client.create_project("Of the team", "<View></View>")["id"]
    finally:
        processes.stop(server.record)
        password.write_text(before)
    with psycopg.connect(f"{administrator}/label_studio_of_team") as connection:
        assert connection.execute("SELECT id, title FROM project").fetchall() == [(number, "Of the team")]


class Answers(BaseHTTPRequestHandler):
    """Says who answers what."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.gone:  # type: ignore[attr-defined]
            self.close_connection = True  # As if it was killed with the request in its hands.
            return
        self.answer(f"{self.server.name} {len(body)}")  # type: ignore[attr-defined]

    def do_GET(self) -> None:
        self.answer(f"{self.server.name} {self.path} {self.headers['Host']} {self.headers['X-Forwarded-Proto']}")  # type: ignore[attr-defined]

    def answer(self, said: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said.encode())

    def log_message(self, *_: Any) -> None:
        pass


class Team:
    """nginx as the file has it, before servers that say who they are."""

    def __init__(self, folder: Path, secrets: Path) -> None:
        self.servers: dict[str, ThreadingHTTPServer] = {}
        self.ports = {name: free_port() for name in ("8443", "9443", "9090")}
        text = (FOLDER / "nginx" / "team.conf").read_text()
        text = text.replace("/tmp/", f"{folder}/").replace("/run/secrets", str(secrets))
        if os.geteuid() == 0:  # Its workers would have another user, who cannot enter pytest's folders.
            text = f"user root;\n{text}"
        for name, port in (("backend-1", 9090), ("backend-2", 9090), ("label-studio", 8080), ("grafana", 3000)):
            server = ThreadingHTTPServer((LOOPBACK, 0), Answers)
            server.name, server.gone = name, False  # type: ignore[attr-defined]
            Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            self.servers[name] = server
            assert f"server {name}:{port}" in text
            assert name in SERVICES
            text = text.replace(f"server {name}:{port}", f"server {LOOPBACK}:{server.server_port}")
        for port_there, here in self.ports.items():
            text = text.replace(f"listen {port_there}", f"listen {LOOPBACK}:{here}")
        self.file = folder / "team.conf"
        self.file.write_text(text)
        self.command = ["nginx", "-e", f"{folder}/errors", "-c", str(self.file)]

    def stop(self, name: str) -> None:
        server = self.servers.pop(name)
        server.gone = True  # type: ignore[attr-defined]
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def team(secrets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    if shutil.which("nginx") is None:
        pytest.skip("nginx is not installed: apt-get install nginx-light")
    team = Team(tmp_path_factory.mktemp("nginx"), secrets)
    checked = subprocess.run([*team.command, "-t"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    process = subprocess.Popen(team.command, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 30
        while True:
            try:
                requests.get(f"http://{LOOPBACK}:{team.ports['9090']}/health", timeout=5)
                break
            except requests.ConnectionError:
                assert time.monotonic() < until
                time.sleep(0.05)
        yield team
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait(30)
        for name in list(team.servers):
            team.stop(name)


def body(task: int, size: int = 100) -> bytes:
    return (json.dumps({"tasks": [{"id": task}], "x": "x" * size})).encode()


def test_browsers_get_label_studio_and_grafana_with_tls(team: Team, secrets: Path) -> None:
    context = ssl.create_default_context(cafile=str(secrets / "tls_certificate"))
    assert context.verify_mode == ssl.CERT_REQUIRED
    at = f"https://{LOOPBACK}:{team.ports['8443']}"
    with requests.Session() as browser:
        browser.headers["Host"] = NAME
        # Whose certificate it is comes below.
        assert browser.get(f"{at}/projects", timeout=10, verify=False).text == f"label-studio /projects {NAME} https"
        assert browser.get(f"{at}/grafana/d/1", timeout=10, verify=False).text.startswith(
            f"grafana /grafana/d/1 {NAME}"
        )
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(at, timeout=10)
    with (
        socket.create_connection((LOOPBACK, team.ports["8443"])) as plain,
        context.wrap_socket(plain, server_hostname=NAME),
    ):
        pass


def test_a_task_stays_with_a_backend_and_moves_to_the_other_one_if_that_is_gone(team: Team) -> None:
    at = f"http://{LOOPBACK}:{team.ports['9090']}/predict"

    def who(task: int, size: int = 100) -> str:
        answer = requests.post(at, data=body(task, size), timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.text.partition(" ")[0]

    first = {task: who(task) for task in range(40)}
    assert set(first.values()) == {"backend-1", "backend-2"}
    assert {task: who(task) for task in range(40)} == first
    large = 100_000_000
    assert requests.post(at, data=body(1, large), timeout=120).text.endswith(f" {len(body(1, large))}")
    assert requests.post(at, data=bytes(257 << 20), timeout=120).status_code == 413
    team.stop("backend-1")
    assert {who(task) for task in range(40)} == {"backend-2"}


def test_what_nginx_does_is_what_the_page_says() -> None:
    """The two differ in names only."""
    (page,) = re.findall(r"```nginx\n(.*?)```", (ROOT / "docs" / "shared-storage.md").read_text(), re.DOTALL)
    ours = (FOLDER / "nginx" / "team.conf").read_text()
    lines = {line.partition("#")[0].strip() for line in page.splitlines()}
    named = {line for line in lines if line.startswith(("server", "listen"))}
    assert {line for line in lines - named if line and line not in ours} == set()


def test_patience_is_above_that_of_batches() -> None:
    from ihp_backend.label_studio.batch_limits import BatchLimits

    ours = (FOLDER / "nginx" / "team.conf").read_text()
    assert all(int(seconds) > BatchLimits().seconds for seconds in re.findall(r"proxy_read_timeout (\d+)s", ours))
