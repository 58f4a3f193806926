"""BackendSettings: which model answers Label Studio, how photographs are fetched, where what is received is kept."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, TypeVar

from ihp_backend.label_studio.batch_limits import BatchLimits
from ihp_backend.label_studio.scene_limits import SceneLimits
from ihp_backend.label_studio.web.image_settings import ImageSettings
from ihp_backend.storage.files import storage_address
from ihp_backend.storage.owner_only import new_files_for_owner_only
from ihp_backend.storage.places import Places

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

ENGINES = ("onnx", "torch")

DEFAULT_DATA_DIR = Path("~/.local/share/ihp-backend")

_Settings = TypeVar("_Settings", bound="BackendSettings")


class SettingsError(ValueError):
    """A setting that cannot be used; the text names it, its value and the remedy."""


@dataclass(frozen=True)
class BackendSettings:
    """Settings of the backend that are the same whoever serves the model.

    Attributes:
        model: a packaged model's name or a model folder; None for the packaged default model.
        engine: "onnx" (CPU, without torch) or "torch" (CUDA when there is one).
        data_dir: where events and cached images live.
        database: PostgreSQL's address, where events, accepted work, clicks, promotions and jobs live instead, for
            several machines; None: the data folder.
        storage: a folder, or an address for fsspec, where model versions and accepted photographs live instead; None:
            the data folder.
        images: how photographs are fetched.
        batches: how much a request for pre-annotations may take.
        scenes: how much opened photographs may take.
    """

    model: str | None = None
    engine: str = "onnx"
    data_dir: Path = DEFAULT_DATA_DIR
    database: URL | None = field(default=None, repr=False)
    storage: Path | str | None = None
    images: ImageSettings = field(default_factory=ImageSettings)
    batches: BatchLimits = field(default_factory=BatchLimits)
    scenes: SceneLimits = field(default_factory=SceneLimits)

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "data_dir", Path(self.data_dir).expanduser().absolute())
        except RuntimeError:
            raise SettingsError(
                f"IHP_DATA_DIR (--data-dir): {self.data_dir} begins with the home of a user who is not known here; "
                "give the whole path"
            ) from None
        if self.engine not in ENGINES:
            raise SettingsError(f"IHP_ENGINE (--engine): {self.engine!r} is unknown; choose {' or '.join(ENGINES)}")

    @classmethod
    def from_environment(
        cls: type[_Settings], environment: Mapping[str, str] | None = None, **explicit: Any
    ) -> _Settings:
        """Settings from arguments, then from variables: IHP_MODEL, IHP_ENGINE, IHP_DATA_DIR, IHP_DATABASE, IHP_STORAGE,
        what ``ImageSettings``, ``BatchLimits`` and ``SceneLimits`` read, and in classes with more settings theirs.

        Args:
            environment: variables by name; those of the process if None. Empty ones count as not set.
            explicit: attributes that win over the environment; None counts as not given. ``allow_private_addresses``,
                ``local_files_root`` and ``label_studio_url`` are passed on to the image settings.

        Raises:
            SettingsError: a value that cannot be used.
        """
        variables = os.environ if environment is None else environment
        given = {name: value for name, value in explicit.items() if value is not None}
        for_images: dict[str, Any] = {
            name: given.pop(name)
            for name in ("allow_private_addresses", "local_files_root", "label_studio_url")
            if name in given
        }
        try:
            settings = cls(**{**cls._from_variables(variables), **given})
            for_images.setdefault("cache_dir", settings.data_dir / "cache" / "images")
            images = ImageSettings.from_environment(variables, **for_images)
            batches = given.get("batches") or BatchLimits.from_environment(variables)
            scenes = given.get("scenes") or SceneLimits.from_environment(variables)
        except ValueError as error:
            raise SettingsError(str(error)) from None
        object.__setattr__(settings, "images", images)
        object.__setattr__(settings, "batches", batches)
        object.__setattr__(settings, "scenes", scenes)
        return settings

    @classmethod
    def _from_variables(cls, variables: Mapping[str, str]) -> dict[str, Any]:
        """The attributes that variables tell, ``images`` aside; a ValueError for a text that is of the wrong kind."""
        named = (("model", "IHP_MODEL"), ("engine", "IHP_ENGINE"), ("data_dir", "IHP_DATA_DIR"))
        values: dict[str, Any] = {
            name: text for name, variable in named if (text := variables.get(variable, "").strip())
        }
        if text := variables.get("IHP_DATABASE", "").strip():
            from ihp_backend.storage.database import postgresql_url

            values["database"] = postgresql_url(text)
        if text := variables.get("IHP_STORAGE", "").strip():
            values["storage"] = storage_address(text)
        return values

    @property
    def places(self) -> Places:
        """Where the stores are."""
        return Places(self.data_dir, self.database, self.storage)

    def prepare_data_dir(self) -> Path:
        """Create the data folder where it is missing and make sure that it can be written to.

        From then on this process makes files that only their owner can open: photographs of people lie there.

        Raises:
            SettingsError: it cannot.
        """
        new_files_for_owner_only()
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Not named after the process: in containers that share the folder, several have the same number.
            TemporaryFile(dir=self.data_dir).close()
        except OSError as error:
            raise SettingsError(
                f"IHP_DATA_DIR (--data-dir): {self.data_dir} cannot be written to ({error.strerror}); "
                "give another folder"
            ) from None
        if isinstance(self.storage, Path) and not self.storage.is_dir():
            # Not made: it may be a folder of another machine that is not mounted.
            raise SettingsError(f"IHP_STORAGE: there is no folder {self.storage}; mount it, or make it")
        return self.data_dir
