"""What machines share in tests."""

from __future__ import annotations

import pytest

from tests.conftest import s3_environment
from tests.postgresql_server import PostgresqlServer


@pytest.fixture
def shared(postgresql: PostgresqlServer, s3_server: str, s3_address: str) -> dict[str, str]:
    """Variables that say what machines share."""
    database = postgresql.text("s" + s3_address.rpartition("/")[2])
    return {**s3_environment(s3_server), "IHP_DATABASE": database, "IHP_STORAGE": s3_address}
