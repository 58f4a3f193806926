"""Settings of the demonstration, from make variables, and its folders."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from examples.demo.label_studio import Account
from ihp_backend.storage.atomic_files import write_json

ROOT = Path(__file__).resolve().parents[2]
PHOTOGRAPHS = ROOT / "examples" / "photographs"
LABELLING_CONFIG = ROOT / "examples" / "labelling_configs" / "ccp.xml"
IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp")


class SettingError(ValueError):
    """A setting that cannot be used; the message names the variable, the value and the remedy."""


@dataclass(frozen=True)
class Settings:
    """Ports, photographs and folders of one demonstration."""

    label_studio_port: int = 8080
    backend_port: int = 9090
    images: Path = PHOTOGRAPHS
    folder: Path = ROOT / ".demo"

    @property
    def label_studio_url(self) -> str:
        """The address people open; the name localhost, as Label Studio calls itself towards the backend."""
        return f"http://localhost:{self.label_studio_port}"

    @property
    def backend_url(self) -> str:
        """The address under which Label Studio calls the backend."""
        return f"http://127.0.0.1:{self.backend_port}"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read LABEL_STUDIO_PORT, BACKEND_PORT and IMAGES; what is missing or empty keeps its default."""
        label_studio_port = _port(environment, "LABEL_STUDIO_PORT", cls.label_studio_port)
        backend_port = _port(environment, "BACKEND_PORT", cls.backend_port)
        if label_studio_port == backend_port:
            raise SettingError(
                f"LABEL_STUDIO_PORT and BACKEND_PORT are both {backend_port}; two servers need two ports, "
                "for example: make demo BACKEND_PORT=9091"
            )
        images = Path(environment["IMAGES"]).expanduser() if environment.get("IMAGES") else cls.images
        return cls(label_studio_port, backend_port, images)


def _port(environment: Mapping[str, str], variable: str, default: int) -> int:
    text = environment.get(variable, "").strip() or str(default)
    if not text.isdecimal() or not 1024 <= int(text) <= 65535:
        raise SettingError(
            f"{variable} is {text!r}; give a port between 1024 and 65535: make demo {variable}={default}"
        )
    return int(text)


def taken_port_message(variable: str, port: int, server: str) -> str:
    """The message for a port on which somebody else listens."""
    return (
        f"Port {port} for {server} is taken by another program. Stop that program, or choose another port: "
        f"make demo {variable}={port + 1}"
    )


def photographs(folder: Path) -> list[Path]:
    """The image files directly in the folder, by name."""
    if not folder.is_dir():
        raise SettingError(
            f"IMAGES is {str(folder)!r}, which is not a folder; give one: make demo IMAGES=my/photographs"
        )
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_ENDINGS and path.is_file())
    if not found:
        raise SettingError(f"IMAGES is {str(folder)!r}, which holds no image; looked for {', '.join(IMAGE_ENDINGS)}")
    return found


def load_account(folder: Path) -> Account:
    """The demonstration's account: the one made earlier, or a new one; readable by its owner only."""
    path = folder / "account.json"
    try:
        return Account(**json.loads(path.read_text()))
    except FileNotFoundError:
        pass
    except (ValueError, TypeError) as error:
        raise SettingError(f"{path} does not hold an account ({error}); start over with: make demo-reset") from error
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # Logs and Label Studio's data will lie there, too.
    account = Account.random()
    write_json(path, asdict(account), mode=0o600)
    return account
