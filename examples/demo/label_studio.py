"""Label Studio 1.23.2, started next to a backend on the same machine."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from examples.demo.processes import LOOPBACK, Server

VERSION = "1.23.2"

# Label Studio reads plain names such as HOST, USERNAME, DEBUG and POSTGRE_HOST from its environment. A shell's own
# variables must not change the demonstration, so only these are passed on.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TZ")

_ON = "true"

SETTINGS = {
    # Since 1.23.1 addresses of the own machine are refused as backends (ML_BLOCK_LOCAL_IP) and as webhooks
    # (SSRF_PROTECTION_ENABLED). Both are needed: with the first alone the backend is connected without its webhook.
    "ML_BLOCK_LOCAL_IP": "false",
    "SSRF_PROTECTION_ENABLED": "false",
    # The backend fetches uploaded photographs with the token that Label Studio hands over, which is a legacy one.
    "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": _ON,
    # Quiet: no usage statistics, no look for newer versions, no error reports to third parties.
    "COLLECT_ANALYTICS": "False",
    "LATEST_VERSION_CHECK": "False",
    "SENTRY_DSN": "",
    "FRONTEND_SENTRY_DSN": "",
    # Empty: addresses stay relative, whatever HOST says in the shell.
    "LABEL_STUDIO_HOST": "",
}


@dataclass(frozen=True)
class Account:
    """The one user: an address for logging in, a password, and a token for the API (40 hexadecimal digits)."""

    email: str
    password: str
    token: str

    @classmethod
    def random(cls, email: str = "annotator@example.com") -> Account:
        """A new account with a password and a token nobody can guess."""
        return cls(email=email, password=secrets.token_urlsafe(12), token=secrets.token_hex(20))


def environment(data: Path, account: Account) -> dict[str, str]:
    """The environment of a Label Studio that keeps its files in ``data`` and has ``account`` as its user.

    The account travels in the environment and not in the command, where every user of the machine could read it.
    """
    return {
        **{name: os.environ[name] for name in INHERITED if name in os.environ},
        **SETTINGS,
        "LABEL_STUDIO_BASE_DATA_DIR": str(data),
        "LABEL_STUDIO_USERNAME": account.email,
        "LABEL_STUDIO_PASSWORD": account.password,
        "LABEL_STUDIO_USER_TOKEN": account.token,
    }


def server(virtual_environment: Path, folder: Path, port: int, account: Account) -> Server:
    """Label Studio on loopback; data, log and process record in ``folder``.

    The port must be free: Label Studio takes the next one without a word when it is not.
    """
    return Server(
        name="Label Studio",
        command=[
            str(virtual_environment / "bin" / "label-studio"),
            "start",
            "--no-browser",
            "--internal-host",
            LOOPBACK,
            "--port",
            str(port),
            # Acts only at the very first start, when the organisation is created.
            "--enable-legacy-api-token",
        ],
        environment=environment(folder / "label-studio", account),
        health_url=f"http://{LOOPBACK}:{port}/health",
        log=folder / "label-studio.log",
        record=folder / "label-studio.process.json",
    )
