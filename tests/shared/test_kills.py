"""One of each killed, as ``python -m tests.shared.kills`` does more often."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.finetuning.tiny_model import write_tiny_model
from tests.live_exports import LiveExports
from tests.shared.kills import run


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed: apt-get install nginx-light")
def test_no_click_no_event_and_no_version_is_lost(
    tmp_path: Path, shared: dict[str, str], live_exports: LiveExports
) -> None:
    model = write_tiny_model(tmp_path / "tiny", live_exports)
    counted = run(tmp_path, shared, model, kills=1)
    assert counted["machines switched off"] == 2
    assert counted["requests that failed"] == 0
