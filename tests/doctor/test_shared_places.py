"""What is named of the database and the storage that several machines share."""

from __future__ import annotations

from pathlib import Path

from ihp_backend.doctor.shared_places import shared_places
from ihp_backend.server.server_settings import ServerSettings
from ihp_backend.storage.database import postgresql_url
from tests.postgresql_server import PASSWORD, PostgresqlServer


def test_one_machine_shares_nothing(tmp_path: Path) -> None:
    assert list(shared_places(ServerSettings(data_dir=tmp_path))) == []


def test_what_can_be_used(tmp_path: Path, postgresql: PostgresqlServer, s3_address: str) -> None:
    place = postgresql.fresh()
    for storage in (s3_address, tmp_path):
        database, files = shared_places(ServerSettings(data_dir=tmp_path / "data", database=place, storage=storage))
        assert (database.level, files.level) == ("ok", "ok"), (database, files)
        assert "0 events" in database.found
        assert PASSWORD not in database.found
        assert str(storage) in files.found
    assert [path.name for path in tmp_path.iterdir()] == []
    _, files = shared_places(ServerSettings(data_dir=tmp_path, database=place))
    assert (files.level, "IHP_STORAGE" in files.remedy) == ("warning", True)


def test_what_cannot_be_used(tmp_path: Path, s3_address: str) -> None:
    away = postgresql_url("postgresql://user:secret@127.0.0.1:9/none")
    database, files = shared_places(ServerSettings(data_dir=tmp_path, database=away, storage="s3://no-such-bucket/x"))
    assert (database.level, "IHP_DATABASE" in database.remedy) == ("error", True)
    assert "secret" not in database.found
    assert (files.level, "IHP_STORAGE" in files.remedy) == ("error", True)
