"""`make audit`: known vulnerabilities of the installed packages, by pip-audit.

pip-audit ends with success, too, where its service knows none of the packages, as behind a mirror of PyPI. Here that is
no all-clear: what was not looked up is said, and where nothing was, or nobody was reached, the status is 2.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

CLEAR, VULNERABLE, UNKNOWN = 0, 1, 2

_REMEDY = (
    "try again where pypi.org is reached, or ask another service: "
    "make audit AUDIT_OPTIONS='--vulnerability-service osv'"
)


def verdict(told: str, errors: str) -> tuple[int, str]:
    """The status and what is to be said.

    Args:
        told: pip-audit's answer as JSON; something else where it came to none.
        errors: what it wrote to its standard error.
    """
    try:
        dependencies: list[dict[str, Any]] = json.loads(told)["dependencies"]
    except (ValueError, KeyError, TypeError):
        why = (errors.strip() or told.strip() or "no word").splitlines()[-1]
        return UNKNOWN, f"audit: the service of advisories did not answer ({why}): nothing is known; {_REMEDY}"
    audited = [one for one in dependencies if "vulns" in one]
    others = [one for one in dependencies if "vulns" not in one and one["name"] != "ihp-backend"]
    lines = [
        f"{one['name']} {one['version']}: {found['id']}, "
        + (f"mended in {', '.join(found['fix_versions'])}" if found["fix_versions"] else "not mended yet")
        for one in audited
        for found in one["vulns"]
    ]
    status = VULNERABLE if lines else CLEAR if audited else UNKNOWN
    lines.append(f"audit: {len(audited)} packages looked up, {len(lines)} known vulnerabilities")
    if others:
        names = ", ".join(one["name"] for one in others[:10]) + (", ..." if len(others) > 10 else "")
        lines.append(f"audit: {len(others)} packages were not looked up ({names}): {others[0]['skip_reason']}")
    if status == UNKNOWN:
        lines.append(f"audit: this is no all-clear; {_REMEDY}")
    return status, "\n".join(lines)


def audit(options: Sequence[str]) -> tuple[int, str]:
    """Runs pip-audit with further options of its own; see ``verdict``."""
    command = [sys.executable, "-m", "pip_audit", "--progress-spinner", "off", "--format", "json", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return verdict(done.stdout, done.stderr)


if __name__ == "__main__":
    status, said = audit(sys.argv[1:])
    print(said)
    sys.exit(status)
