"""What the tests of training share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.training.tiny import draw


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 small pictures."""
    return draw(tmp_path_factory.mktemp("data") / "pictures")
