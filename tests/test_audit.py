"""`make audit` and bandit: what is ignored says why, and silence of the service of advisories is no all-clear."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.audit import CLEAR, UNKNOWN, VULNERABLE, audit, verdict
from tests.label_studio.image_server import sends
from tests.label_studio.trouble_servers import free_port, place

ROOT = Path(__file__).parents[1]
IGNORED = re.compile(r"#\s*nosec\b(?P<rest>.*)")


def test_whatever_bandit_ignores_has_its_check_and_a_reason() -> None:
    found = [
        (file, match["rest"])
        for top in ("ihp_backend", "training", "examples", "docker", "tests")
        for file in (ROOT / top).rglob("*.py")
        if file != Path(__file__)
        for match in IGNORED.finditer(file.read_text())
    ]
    for file, rest in found:
        assert re.fullmatch(r" B\d{3}(, B\d{3})* # \w.{10,}", rest), f"{file}: nosec{rest}"


def test_every_check_that_bandit_skips_has_a_reason() -> None:
    section = (ROOT / "pyproject.toml").read_text().partition("[tool.bandit]")[2].partition("\n[")[0]
    listed = re.findall(r'^ +"(B\d{3})",(.*)$', section, re.MULTILINE)
    assert len(listed) == len(re.findall(r'"B\d{3}"', section))
    for check, reason in listed:
        assert re.match(r"  # \w.{20,}", reason), check


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder with one installed package."""
    metadata = tmp_path / "installed" / "thing-1.0.dist-info" / "METADATA"
    metadata.parent.mkdir(parents=True)
    metadata.write_text("Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n")
    return tmp_path / "installed"


@pytest.mark.parametrize(
    ("fixed", "status", "said"),
    [
        ([{"introduced": "0"}, {"fixed": "1.1"}], VULNERABLE, "thing 1.0: GHSA-1, mended in 1.1"),
        ([{"introduced": "0"}], VULNERABLE, "thing 1.0: GHSA-1, not mended yet"),
        (None, CLEAR, "audit: 1 packages looked up, 0 known vulnerabilities"),
    ],
)
def test_a_service_of_advisories(
    tmp_path: Path, installed: Path, fixed: list[dict[str, str]] | None, status: int, said: str
) -> None:
    package = {"name": "thing", "ecosystem": "PyPI"}
    affected = [{"package": package, "ranges": [{"type": "ECOSYSTEM", "events": fixed}]}]
    advisory = {"id": "GHSA-1", "summary": "bad", "published": "2026-01-01T00:00:00Z", "affected": affected}
    answer = json.dumps({"vulns": [advisory]} if fixed else {}).encode()

    with place(tmp_path) as at:
        url = at.server(sends(answer, "application/json")).url
        found = audit(["--path", str(installed), "--vulnerability-service", "osv", "--osv-url", f"{url}/v1/query"])
    assert found[0] == status, found[1]
    assert said in found[1].splitlines()


def test_a_service_that_is_not_reached_is_no_all_clear(installed: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}/v1/query"
    status, said = audit(["--path", str(installed), "--vulnerability-service", "osv", "--osv-url", url])
    assert status == UNKNOWN
    assert "nothing is known; try again where pypi.org is reached" in said


def test_a_service_that_knows_no_package_is_no_all_clear() -> None:
    skipped = [{"name": name, "skip_reason": f"Dependency not found on PyPI: {name}"} for name in ("flask", "pillow")]
    status, said = verdict(json.dumps({"dependencies": skipped, "fixes": []}), "No known vulnerabilities found")
    assert status == UNKNOWN
    assert "2 packages were not looked up (flask, pillow): Dependency not found on PyPI: flask" in said
    assert "this is no all-clear" in said
