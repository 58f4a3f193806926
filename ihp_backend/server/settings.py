"""ServerSettings: where the server listens, where it keeps its data and how much it takes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ihp_backend.label_studio.image_settings import ImageSettings

DEFAULT_DATA_DIR = Path("~/.local/share/ihp-backend")
_NUMBERS = {
    "port": "IHP_PORT",
    "workers": "IHP_WORKERS",
    "threads": "IHP_THREADS",
    "timeout": "IHP_TIMEOUT",
    "max_body_mebibytes": "IHP_MAX_BODY_MEBIBYTES",
}


class SettingsError(ValueError):
    """A setting that cannot be used; the text names it, its value and the remedy."""


@dataclass(frozen=True)
class ServerSettings:
    """Everything the server is told at its start.

    Attributes:
        host, port: where to listen; port 0 takes any free one.
        model: a packaged model's name or a model folder; None for the packaged default model.
        engine: "onnx" (CPU, without torch) or "torch" (CUDA when there is one).
        workers: processes; each has its own model and opens photographs for itself, so one is right for click work.
        threads: requests a worker answers at once; enough that a health check finds one free among clicks.
        timeout: seconds after which a worker that does not move is replaced.
        data_dir: where events and cached images live.
        max_body_mebibytes: largest request body; Label Studio sends all masks of a task with every click.
        images: how photographs are fetched.

    Raises:
        SettingsError: a number out of range.
    """

    host: str = "127.0.0.1"
    port: int = 9090
    model: str | None = None
    engine: str = "onnx"
    workers: int = 1
    threads: int = 16
    timeout: int = 120
    data_dir: Path = DEFAULT_DATA_DIR
    max_body_mebibytes: int = 256
    images: ImageSettings = field(default_factory=ImageSettings)

    def __post_init__(self) -> None:
        for name, least, most in (
            ("port", 0, 65535),
            ("workers", 1, 256),
            ("threads", 1, 1024),
            ("timeout", 1, 86400),
            ("max_body_mebibytes", 1, 1 << 20),
        ):
            value = getattr(self, name)
            if not least <= value <= most:
                raise SettingsError(f"{name}: {value} is out of range; choose {least} to {most}")
        object.__setattr__(self, "data_dir", Path(self.data_dir).expanduser().absolute())

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None, **explicit: Any) -> ServerSettings:
        """Settings from arguments, then from variables.

        The variables are IHP_HOST, IHP_PORT, IHP_MODEL, IHP_ENGINE, IHP_WORKERS, IHP_THREADS, IHP_TIMEOUT,
        IHP_DATA_DIR, IHP_MAX_BODY_MEBIBYTES and what ``ImageSettings`` reads.

        Args:
            environment: variables by name; those of the process if None. Empty ones count as not set.
            explicit: attributes that win over the environment; None counts as not given. ``allow_private_addresses``
                and ``local_files_root`` are passed on to the image settings.

        Raises:
            SettingsError: a value that cannot be used.
        """
        variables = os.environ if environment is None else environment
        given = {name: value for name, value in explicit.items() if value is not None}
        for_images: dict[str, Any] = {
            name: given.pop(name) for name in ("allow_private_addresses", "local_files_root") if name in given
        }
        values: dict[str, Any] = {}
        for name, variable in (
            ("host", "IHP_HOST"),
            ("model", "IHP_MODEL"),
            ("engine", "IHP_ENGINE"),
            ("data_dir", "IHP_DATA_DIR"),
        ):
            if variables.get(variable):
                values[name] = variables[variable]
        for name, variable in _NUMBERS.items():
            if text := variables.get(variable, "").strip():
                try:
                    values[name] = int(text)
                except ValueError:
                    raise SettingsError(f"{variable}: {text!r} is no whole number; correct or unset it") from None
        settings = cls(**{**values, **given})
        for_images.setdefault("cache_dir", settings.data_dir / "cache" / "images")
        try:
            images = ImageSettings.from_environment(variables, **for_images)
        except ValueError as error:
            raise SettingsError(str(error)) from None
        object.__setattr__(settings, "images", images)
        return settings

    def prepare_data_dir(self) -> Path:
        """Create the data folder where it is missing and make sure that it can be written to.

        Raises:
            SettingsError: it cannot.
        """
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            probe = self.data_dir / f".writable-{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise SettingsError(
                f"data_dir: {self.data_dir} cannot be written to ({error.strerror}); "
                "give another folder with --data-dir or IHP_DATA_DIR"
            ) from None
        return self.data_dir
